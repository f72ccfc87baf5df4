// Package protocol is what every contestant of the benchmark says on stdout:
// BASE before it connects, SYNCED when its handler has every object, GC after
// SIGUSR1 (memory given back) and LAG after SIGUSR2 (lags since the last LAG).
package protocol

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Timestamp is the annotation with the time in ns at which an update was sent.
const Timestamp = "bench.io/ts"

// basePause is how long a contestant waits between BASE and connecting.
const basePause = time.Second

// Session counts what the handler sees and answers signals.
type Session struct {
	mu      sync.Mutex
	lags    histogram
	added   int
	started time.Time
}

// Start prints BASE, waits, and returns with the clock running.
func Start() *Session {
	s := &Session{}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	go s.answer(signals)
	fmt.Println("BASE")
	time.Sleep(basePause)
	s.started = time.Now()
	return s
}

// Added counts one object that the handler saw as new.
func (s *Session) Added() {
	s.mu.Lock()
	s.added++
	s.mu.Unlock()
}

// Updated records the lag of one update from its timestamp annotation.
func (s *Session) Updated(timestamp string) {
	now := time.Now().UnixNano()
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || sent == 0 {
		return
	}
	s.mu.Lock()
	s.lags.record(uint64(max(0, now-sent)))
	s.mu.Unlock()
}

// Synced prints SYNCED with the number of objects and the seconds since the start.
func (s *Session) Synced() {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Printf("SYNCED n=%d wall=%.6f\n", s.added, time.Since(s.started).Seconds())
}

func (s *Session) answer(signals <-chan os.Signal) {
	for received := range signals {
		if received == syscall.SIGUSR1 {
			debug.FreeOSMemory()
			fmt.Println("GC")
			continue
		}
		s.printLag()
	}
}

func (s *Session) printLag() {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &s.lags
	fmt.Printf("LAG n=%d p50=%d p99=%d max=%d\n", h.n, h.quantile(0.50), h.quantile(0.99), h.max)
	s.lags = histogram{}
}
