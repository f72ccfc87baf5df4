// Package replay is an API server without storage: generated objects in
// memory, LIST and WATCH over them, and updates on command. Everything sent is
// encoded beforehand, so that the server's own work disturbs a client little.
package replay

import (
	"sync"
	"time"

	"tidegate.dev/bench/informer/internal/objects"
)

// historySize is how many events are kept for watches that resume.
const historySize = 20_000

// Store holds the current objects of one kind and the events since `floor`.
// Versions are consecutive: event i of the log has version floor+1+i.
type Store struct {
	Kind objects.Kind

	mu       sync.Mutex
	current  []*objects.Object // sorted by namespace and name
	version  uint64
	floor    uint64 // a watch from an older version gets 410
	log      []*objects.Object
	changed  chan struct{} // closed, then replaced, at every change
	watchers map[*watcher]struct{}
	paged    map[uint64]snapshot // lists that a continue token still refers to
	served   int                 // complete pictures sent, by list or stream
}

// snapshot is a consistent list; its objects never change.
type snapshot struct {
	objects []*objects.Object
	version uint64
	taken   time.Time
}

// watcher is a place in the log. It is guarded by the store's lock.
type watcher struct {
	version uint64 // all events up to here were taken
	expired bool   // the history was compacted while it was open
}

// NewStore takes ownership of the objects.
func NewStore(kind objects.Kind, all []*objects.Object) *Store {
	return &Store{
		Kind: kind, current: all, version: objects.FirstVersion, floor: objects.FirstVersion,
		changed: make(chan struct{}), watchers: map[*watcher]struct{}{}, paged: map[uint64]snapshot{},
	}
}

func (s *Store) snapshot() snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshotLocked()
}

func (s *Store) snapshotLocked() snapshot {
	return snapshot{objects: append([]*objects.Object(nil), s.current...), version: s.version, taken: time.Now()}
}

// keep remembers a snapshot for later pages and forgets the older ones.
func (s *Store) keep(list snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paged[list.version] = list
	for version, old := range s.paged {
		if time.Since(old.taken) > 5*time.Minute || old.version < s.floor {
			delete(s.paged, version)
		}
	}
}

func (s *Store) page(version uint64) (snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, ok := s.paged[version]
	return list, ok && version >= s.floor
}

// versions returns the current version and the oldest a watch may start from.
func (s *Store) versions() (current, floor uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.floor
}

// watch opens a place in the log; `from` must not be below the floor.
func (s *Store) watch(from uint64) (*watcher, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from < s.floor {
		return nil, false
	}
	w := &watcher{version: from}
	s.watchers[w] = struct{}{}
	return w, true
}

// watchFromSnapshot opens a place in the log right behind a consistent list.
func (s *Store) watchFromSnapshot() (*watcher, snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.snapshotLocked()
	w := &watcher{version: list.version}
	s.watchers[w] = struct{}{}
	return w, list
}

func (s *Store) unwatch(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, w)
}

// next takes up to `most` events. Without any it returns a channel that closes at the next change.
func (s *Store) next(w *watcher, most int) (events []*objects.Object, expired bool, wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.expired {
		return nil, true, nil
	}
	events = s.log[w.version-s.floor:]
	events = append([]*objects.Object(nil), events[:min(most, len(events))]...)
	w.version += uint64(len(events))
	return events, false, s.changed
}

// update replaces the objects at `indexes`, stamping each with the time of its sending.
func (s *Store) update(indexes []int, stamp func() string, changed time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range indexes {
		s.version++
		s.current[i] = s.current[i].With(s.version, stamp(), changed)
		s.log = append(s.log, s.current[i])
	}
	s.trim()
	s.broadcast()
}

// trim forgets old events that no open watch still needs.
func (s *Store) trim() {
	excess := len(s.log) - historySize
	for w := range s.watchers {
		excess = min(excess, int(w.version-s.floor))
	}
	if excess >= historySize/4 {
		s.floor += uint64(excess)
		s.log = append([]*objects.Object(nil), s.log[excess:]...)
	}
}

// compact ends every watch with 410 and refuses all versions seen so far.
func (s *Store) compact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.floor = s.version
	s.log = nil
	clear(s.paged)
	for w := range s.watchers {
		w.expired = true
	}
	s.broadcast()
}

// sentAll counts a picture of which the last byte was written.
func (s *Store) sentAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served++
}

func (s *Store) broadcast() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Status is what the control endpoint reports about a store.
type Status struct {
	Objects  int    `json:"objects"`
	Version  uint64 `json:"version"`
	Watchers int    `json:"watchers"`
	Served   int    `json:"served"`  // complete pictures sent, by list or stream
	Backlog  uint64 `json:"backlog"` // events the slowest watch has not taken yet
}

func (s *Store) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Status{Objects: len(s.current), Version: s.version, Watchers: len(s.watchers), Served: s.served}
	for w := range s.watchers {
		out.Backlog = max(out.Backlog, s.version-w.version)
	}
	return out
}
