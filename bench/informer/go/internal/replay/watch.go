// WATCH: legacy and streaming lists, bookmarks, and events taken from the
// store's log at the client's own pace.
package replay

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tidegate.dev/bench/informer/internal/objects"
)

const eventsAtOnce = 256

// watchRequest is a WATCH after its options were checked.
type watchRequest struct {
	namespace string
	version   string
	streaming bool // sendInitialEvents
	bookmarks bool
	timeout   time.Duration
}

// stream is an open answer to a WATCH.
type stream struct {
	http.ResponseWriter
	controller *http.ResponseController
	enc        encoder
	request    watchRequest
	buffer     []byte
}

func (s *Server) watch(w http.ResponseWriter, r *http.Request, store *Store, namespace string) {
	enc, ok := negotiate(r.Header.Get("Accept"), store.Kind, s.options.Protobuf, s.options.HonourDrop)
	if !ok {
		writeStatus(w, notAcceptable())
		return
	}
	request, failure := s.parseWatch(r.URL.Query(), namespace)
	if failure != nil {
		writeStatus(w, *failure)
		return
	}
	place, initial, failure := store.openWatch(request)
	if failure != nil {
		writeStatus(w, *failure)
		return
	}
	defer store.unwatch(place)
	w.Header().Set("Content-Type", enc.contentType(true))
	out := &stream{ResponseWriter: w, controller: http.NewResponseController(w), enc: enc, request: request}
	ctx, cancel := context.WithTimeout(r.Context(), request.timeout)
	defer cancel()
	if out.sendInitial(initial) == nil {
		if initial != nil {
			store.sentAll()
		}
		s.follow(ctx, out, store, place)
	}
}

func (s *Server) parseWatch(query url.Values, namespace string) (watchRequest, *metav1.Status) {
	if failure := refuseSelectors(query); failure != nil {
		return watchRequest{}, failure
	}
	out := watchRequest{namespace: namespace, version: query.Get("resourceVersion"), timeout: 30 * time.Minute}
	out.bookmarks, _ = strconv.ParseBool(query.Get("allowWatchBookmarks"))
	if seconds, err := strconv.Atoi(query.Get("timeoutSeconds")); err == nil && seconds > 0 {
		out.timeout = time.Duration(seconds) * time.Second
	}
	if s.options.WatchList == WatchListIgnore || !query.Has("sendInitialEvents") {
		return out, nil
	}
	if s.options.WatchList == WatchListRefuse {
		return out, invalid("sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
	}
	if query.Get("resourceVersionMatch") != "NotOlderThan" {
		return out, invalid("resourceVersionMatch must be NotOlderThan when sendInitialEvents is set")
	}
	out.streaming, _ = strconv.ParseBool(query.Get("sendInitialEvents"))
	if out.streaming && !out.bookmarks {
		return out, invalid("sendInitialEvents needs allowWatchBookmarks")
	}
	return out, nil
}

// openWatch finds the place in the log and, where the client wants them, the objects to send first.
func (s *Store) openWatch(request watchRequest) (*watcher, *snapshot, *metav1.Status) {
	wanted := uint64(0)
	if request.version != "" {
		var err error
		if wanted, err = strconv.ParseUint(request.version, 10, 64); err != nil {
			return nil, nil, badRequest("invalid resource version " + strconv.Quote(request.version))
		}
	}
	current, _ := s.versions()
	if wanted > current {
		return nil, nil, tooLarge(wanted, current)
	}
	if wanted == 0 || request.streaming {
		place, list := s.watchFromSnapshot()
		return place, &list, nil
	}
	place, ok := s.watch(wanted)
	if !ok {
		// The watch cache answers 200 and tells in the stream: the place is born expired.
		place, _ = s.watchFromSnapshot()
		place.expired = true
	}
	return place, nil, nil
}

func (o *stream) sendInitial(initial *snapshot) error {
	o.WriteHeader(http.StatusOK)
	if initial == nil {
		return o.controller.Flush()
	}
	if err := o.send("ADDED", initial.objects); err != nil {
		return err
	}
	if o.request.streaming {
		o.buffer = o.enc.appendBookmark(o.buffer, initial.version, true)
	}
	return o.flush()
}

// send appends events and writes whenever a chunk is full.
func (o *stream) send(event string, events []*objects.Object) error {
	for _, object := range events {
		if o.request.namespace != "" && object.Namespace != o.request.namespace {
			continue
		}
		o.buffer = o.enc.appendEvent(o.buffer, event, object)
		if len(o.buffer) >= chunkSize {
			if err := o.write(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *stream) write() error {
	_, err := o.Write(o.buffer)
	o.buffer = o.buffer[:0]
	return err
}

func (o *stream) flush() error {
	if err := o.write(); err != nil {
		return err
	}
	return o.controller.Flush()
}

// follow sends events until the watch's time is over, the client leaves or history is compacted.
func (s *Server) follow(ctx context.Context, out *stream, store *Store, place *watcher) {
	bookmark := time.NewTicker(s.options.BookmarkEvery)
	defer bookmark.Stop()
	for {
		events, isExpired, changed := store.next(place, eventsAtOnce)
		if isExpired {
			current, _ := store.versions()
			out.buffer = out.enc.appendError(out.buffer, *expired(place.version, current))
			_ = out.flush()
			return
		}
		if len(events) > 0 {
			if out.send("MODIFIED", events) != nil || out.flush() != nil || ctx.Err() != nil {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-bookmark.C:
			if !out.request.bookmarks {
				continue
			}
			out.buffer = out.enc.appendBookmark(out.buffer, place.version, false)
			if out.flush() != nil {
				return
			}
		}
	}
}
