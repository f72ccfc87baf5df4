// What a container prints, kept line by line with the time at which it was read.
//
// The file has the form of container runtimes: TIME stdout F TEXT. Whoever asks for the log first
// empties the pipe, so that all is there that the container printed before the question.
package kubelet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	lineMax    = 256 * 1024 // a longer line is cut in pieces
	timeLayout = "2006-01-02T15:04:05.000000000Z07:00"
)

type output struct {
	path string

	mu      sync.Mutex
	file    *os.File
	pipe    *os.File // of the run that is on, or nil
	partial []byte   // the beginning of a line
	err     error
}

func newOutput(path string) (*output, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &output{path: path, file: file}, nil
}

// attach gives the write end for one run of the container. It is read until everyone has closed it.
// The channel closes when all is kept.
func (o *output) attach() (*os.File, <-chan struct{}, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	raw, err := reader.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	o.mu.Lock()
	o.pipe = reader
	o.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = raw.Read(o.pump) // ends with the last writer
		o.mu.Lock()
		defer o.mu.Unlock()
		o.keep(nil)
		if o.pipe == reader {
			o.pipe = nil
		}
		reader.Close()
	}()
	return writer, done, nil
}

// pump keeps what is in the pipe now; true at its end.
func (o *output) pump(fd uintptr) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	buffer := make([]byte, 32*1024)
	for {
		count, err := syscall.Read(int(fd), buffer)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return false
		case err != nil || count == 0:
			return true
		default:
			o.keep(buffer[:count])
		}
	}
}

// keep appends whole lines; nil ends the last one. The lock is held.
func (o *output) keep(fresh []byte) {
	var text bytes.Buffer
	now := time.Now().UTC().Format(timeLayout)
	o.partial = append(o.partial, fresh...)
	for {
		end := bytes.IndexByte(o.partial, '\n')
		next := end + 1
		if end < 0 && len(o.partial) > 0 && (fresh == nil || len(o.partial) >= lineMax) {
			end, next = len(o.partial), len(o.partial)
		}
		if end < 0 {
			break
		}
		fmt.Fprintf(&text, "%s stdout F %s\n", now, o.partial[:end])
		o.partial = o.partial[next:]
	}
	if _, err := o.file.Write(text.Bytes()); err != nil {
		o.err = err
	}
}

// settle keeps all that was printed until now.
func (o *output) settle() error {
	o.mu.Lock()
	pipe := o.pipe
	o.mu.Unlock()
	if pipe != nil {
		if raw, err := pipe.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { o.pump(fd) }) // closed meanwhile: then all is kept
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

func (o *output) running() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pipe != nil
}

// logRequest is what `kubectl logs` can ask for.
type logRequest struct {
	since      time.Time
	tail       int // -1: all
	limit      int64
	timestamps bool
}

// write sends the lines from offset on that were asked for, and gives the next offset.
func (o *output) write(to io.Writer, offset int64, request *logRequest) (int64, error) {
	file, err := os.Open(o.path)
	if err != nil {
		return offset, err
	}
	defer file.Close()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return offset, err
	}
	var chosen [][]byte
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			break // the rest is no whole line yet
		}
		offset += int64(len(line))
		if text, wanted := request.choose(line); wanted {
			chosen = append(chosen, text)
		}
	}
	if request.tail >= 0 {
		chosen = chosen[max(0, len(chosen)-request.tail):]
		request.tail = -1 // only of what is there at first
	}
	for _, text := range chosen {
		if request.limit >= 0 {
			text = text[:min(int64(len(text)), request.limit)]
			request.limit -= int64(len(text))
		}
		if _, err := to.Write(text); err != nil {
			return offset, err
		}
	}
	return offset, nil
}

// choose gives a kept line as the client wants to see it.
func (r *logRequest) choose(line []byte) ([]byte, bool) {
	stamp, text, found := bytes.Cut(line, []byte(" stdout F "))
	if !found {
		return nil, false
	}
	at, err := time.Parse(timeLayout, string(stamp))
	if err != nil || at.Before(r.since) {
		return nil, false
	}
	if r.timestamps {
		return append(append(stamp, ' '), text...), true
	}
	return text, true
}
