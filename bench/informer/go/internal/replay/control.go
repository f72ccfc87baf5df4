// The control endpoint: evenly paced updates, forced relists and a status.
package replay

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// tick is the pace of batches: a rate of 10,000 per second sends 10 events each.
const tick = time.Millisecond

// UpdateReport says what an update run did.
type UpdateReport struct {
	Sent    int     `json:"sent"`
	Seconds float64 `json:"seconds"`
	Late    float64 `json:"late_ms_max"` // how far the pacing fell behind at worst
}

// controlUpdates runs updates of `rate` per second for `seconds`, and answers when they are over.
func (s *Server) controlUpdates(w http.ResponseWriter, r *http.Request) {
	rate, errRate := strconv.Atoi(r.URL.Query().Get("rate"))
	seconds, errSeconds := strconv.ParseFloat(r.URL.Query().Get("seconds"), 64)
	store, ok := s.store(r)
	if errRate != nil || errSeconds != nil || rate <= 0 || seconds <= 0 || !ok {
		writeStatus(w, *badRequest("want rate and seconds above zero, and a resource that is served"))
		return
	}
	writeJSON(w, http.StatusOK, store.runUpdates(rate, seconds))
}

func (s *Server) controlRelist(w http.ResponseWriter, r *http.Request) {
	store, ok := s.store(r)
	if !ok {
		writeStatus(w, *notFound())
		return
	}
	store.compact()
	writeJSON(w, http.StatusOK, store.status())
}

func (s *Server) controlStatus(w http.ResponseWriter, r *http.Request) {
	store, ok := s.store(r)
	if !ok {
		writeStatus(w, *notFound())
		return
	}
	writeJSON(w, http.StatusOK, store.status())
}

// store is the one the request names, or else the first.
func (s *Server) store(r *http.Request) (*Store, bool) {
	name := r.URL.Query().Get("resource")
	for _, store := range s.stores {
		if name == "" || store.Kind.Resource == name {
			return store, true
		}
	}
	return nil, false
}

// runUpdates sends at the given pace. When it falls behind it catches up, so the total always fits.
func (s *Store) runUpdates(rate int, seconds float64) UpdateReport {
	current, _ := s.versions()
	choose := rand.New(rand.NewPCG(uint64(rate), current))
	begin := time.Now()
	total := int(float64(rate) * seconds)
	sent, late := 0, time.Duration(0)
	for due := begin; sent < total; due = due.Add(tick) {
		time.Sleep(time.Until(due))
		late = max(late, time.Since(due))
		goal := min(total, int(due.Sub(begin).Seconds()*float64(rate))+max(1, rate/1000))
		indexes := make([]int, 0, max(0, goal-sent))
		for ; sent < goal; sent++ {
			indexes = append(indexes, choose.IntN(len(s.current)))
		}
		if len(indexes) > 0 {
			s.update(indexes, timestamp, time.Now())
		}
	}
	return UpdateReport{Sent: sent, Seconds: time.Since(begin).Seconds(), Late: float64(late.Microseconds()) / 1000}
}

func timestamp() string { return fmt.Sprintf("%019d", time.Now().UnixNano()) }
