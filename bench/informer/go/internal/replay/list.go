// LIST: consistent snapshots, whole or in pages, with the rules for
// `resourceVersion` and `resourceVersionMatch` that clients depend on.
package replay

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tidegate.dev/bench/informer/internal/objects"
)

const (
	gzipFrom  = 128 << 10 // smaller answers are not worth compressing
	chunkSize = 256 << 10
)

// continuation is what a continue token holds.
type continuation struct {
	Version uint64 `json:"rv"`
	Start   int    `json:"start"`
}

// page is one answer to a LIST.
type page struct {
	items     []*objects.Object
	version   uint64
	next      string
	remaining int
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, store *Store, namespace string) {
	enc, ok := negotiate(r.Header.Get("Accept"), store.Kind, s.options.Protobuf, s.options.HonourDrop)
	if !ok {
		writeStatus(w, notAcceptable())
		return
	}
	answer, failure := store.answer(r.URL.Query(), namespace)
	if failure != nil {
		writeStatus(w, *failure)
		return
	}
	w.Header().Set("Content-Type", enc.contentType(false))
	out := io.Writer(w)
	if acceptsGzip(r) && answer.size(enc) >= gzipFrom {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		compressor, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		defer compressor.Close()
		out = compressor
	}
	if err := answer.write(out, enc); err != nil {
		s.log.Debug("list was cut off", "error", err)
	} else if answer.next == "" {
		store.sentAll()
	}
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.ReplaceAll(quality, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// answer applies the list options.
func (s *Store) answer(query url.Values, namespace string) (*page, *metav1.Status) {
	if failure := refuseSelectors(query); failure != nil {
		return nil, failure
	}
	limit, err := strconv.Atoi(cmpOr(query.Get("limit"), "0"))
	if err != nil || limit < 0 {
		return nil, badRequest("limit must be a positive number")
	}
	if token := query.Get("continue"); token != "" {
		return s.continued(token, namespace, limit)
	}
	version, match := query.Get("resourceVersion"), query.Get("resourceVersionMatch")
	if failure := s.checkListVersion(version, match); failure != nil {
		return nil, failure
	}
	if version == "0" && match != "Exact" {
		limit = 0 // the watch cache answers, and always with everything
	}
	list := s.snapshot()
	if limit > 0 {
		s.keep(list)
	}
	return list.page(namespace, 0, limit), nil
}

func (s *Store) checkListVersion(version, match string) *metav1.Status {
	if version == "" {
		if match != "" {
			return badRequest("resourceVersionMatch is forbidden unless resourceVersion is provided")
		}
		return nil
	}
	wanted, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return badRequest("invalid resource version " + strconv.Quote(version))
	}
	current, _ := s.versions()
	switch {
	case wanted > current:
		return tooLarge(wanted, current)
	case match == "Exact" && wanted == 0:
		return badRequest(`resourceVersionMatch "exact" is forbidden for resourceVersion "0"`)
	case match == "Exact" && wanted != current:
		return expired(wanted, current)
	}
	return nil
}

func (s *Store) continued(token, namespace string, limit int) (*page, *metav1.Status) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	var place continuation
	if err != nil || json.Unmarshal(raw, &place) != nil {
		return nil, badRequest("continue key is not valid")
	}
	list, ok := s.page(place.Version)
	if !ok {
		current, _ := s.versions()
		return nil, expired(place.Version, current)
	}
	return list.page(namespace, place.Start, limit), nil
}

func (list snapshot) page(namespace string, start, limit int) *page {
	items := list.objects
	if namespace != "" {
		items = inNamespace(items, namespace)
	}
	items = items[min(start, len(items)):]
	out := &page{version: list.version}
	if limit > 0 && len(items) > limit {
		out.remaining = len(items) - limit
		items = items[:limit]
		token, _ := json.Marshal(continuation{list.version, start + limit})
		out.next = base64.RawURLEncoding.EncodeToString(token)
	}
	out.items = items
	return out
}

func inNamespace(all []*objects.Object, namespace string) []*objects.Object {
	var out []*objects.Object
	for _, object := range all {
		if object.Namespace == namespace {
			out = append(out, object)
		}
	}
	return out
}

func (p *page) size(enc encoder) int {
	total := 0
	for _, object := range p.items {
		if enc.proto {
			total += 1 + uvarintSize(len(object.Proto)) + len(object.Proto)
		} else {
			total += len(object.JSON)
		}
	}
	return total
}

func (p *page) write(w io.Writer, enc encoder) error {
	buffer := make([]byte, 0, chunkSize+64<<10)
	if enc.proto {
		buffer = p.appendProtoHead(buffer, enc)
	} else {
		buffer = p.appendJSONHead(buffer, enc)
	}
	for i, object := range p.items {
		switch {
		case enc.proto:
			buffer = binary.AppendUvarint(append(buffer, 0x12), uint64(len(object.Proto)))
			buffer = append(buffer, object.Proto...)
		case i > 0:
			buffer = enc.appendItem(append(buffer, ','), object, 0)
		default:
			buffer = enc.appendItem(buffer, object, 0)
		}
		if len(buffer) >= chunkSize {
			if _, err := w.Write(buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
	}
	if enc.proto {
		buffer = append(buffer, unknownTail...)
	} else {
		buffer = append(buffer, "]}\n"...)
	}
	_, err := w.Write(buffer)
	return err
}

func (p *page) appendJSONHead(out []byte, enc encoder) []byte {
	out = fmt.Appendf(out, `{"kind":"%sList","apiVersion":%q,"metadata":{"resourceVersion":"%d"`, enc.kind.Kind, enc.kind.APIVersion(), p.version)
	if p.next != "" {
		out = fmt.Appendf(out, `,"continue":%q,"remainingItemCount":%d`, p.next, p.remaining)
	}
	return append(out, `},"items":[`...)
}

func (p *page) appendProtoHead(out []byte, enc encoder) []byte {
	meta := metav1.ListMeta{ResourceVersion: strconv.FormatUint(p.version, 10), Continue: p.next}
	if p.next != "" {
		remaining := int64(p.remaining)
		meta.RemainingItemCount = &remaining
	}
	encoded, err := meta.Marshal()
	if err != nil {
		return out
	}
	size := 1 + uvarintSize(len(encoded)) + len(encoded) + p.size(enc)
	out = append(out, unknownHead(enc.kind.APIVersion(), enc.kind.Kind+"List", size)...)
	out = binary.AppendUvarint(append(out, 0x0a), uint64(len(encoded)))
	return append(out, encoded...)
}

func cmpOr(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
