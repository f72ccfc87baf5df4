// Frames and lists in JSON and protobuf, put together from objects that are
// encoded already: only the few bytes around them are made here.
package replay

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"mime"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tidegate.dev/bench/informer/internal/objects"
)

const (
	jsonType     = "application/json"
	protoType    = "application/vnd.kubernetes.protobuf"
	initialEnd   = "k8s.io/initial-events-end"
	protoMagic   = "k8s\x00"
	dropParam    = "drop"
	dropManaged  = "metadata.managedfields"
	bookmarkTail = `"spec":{"containers":null},"status":{}}`
)

// encoder writes list parts and watch frames of one kind in one encoding.
type encoder struct {
	kind  objects.Kind
	proto bool
	drop  bool // leave managedFields out (JSON only)
}

// negotiate picks the first acceptable encoding; false means 406.
func negotiate(accept string, kind objects.Kind, hasProto, honourDrop bool) (encoder, bool) {
	if accept == "" {
		accept = jsonType
	}
	for part := range strings.SplitSeq(accept, ",") {
		name, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil || params["as"] != "" {
			continue
		}
		switch name {
		case protoType:
			if hasProto {
				return encoder{kind: kind, proto: true}, true
			}
		case jsonType, "*/*", "application/*":
			drop := honourDrop && strings.EqualFold(params[dropParam], dropManaged)
			return encoder{kind: kind, drop: drop}, true
		}
	}
	return encoder{}, false
}

func (e encoder) contentType(watch bool) string {
	switch {
	case e.proto && watch:
		return protoType + ";stream=watch"
	case e.proto:
		return protoType
	default:
		return jsonType
	}
}

// appendEvent appends one frame around an encoded object.
func (e encoder) appendEvent(out []byte, kind string, object *objects.Object) []byte {
	if e.proto {
		return e.appendProtoEvent(out, kind, e.kind.APIVersion(), e.kind.Kind, object.Proto)
	}
	out = fmt.Appendf(out, `{"type":%q,"object":{"kind":%q,"apiVersion":%q,`, kind, e.kind.Kind, e.kind.APIVersion())
	out = e.appendItem(out, object, 1)
	return append(out, "}\n"...)
}

// appendItem appends the JSON of an object from offset `skip`.
func (e encoder) appendItem(out []byte, object *objects.Object, skip int) []byte {
	if !e.drop {
		return append(out, object.JSON[skip:]...)
	}
	before, after := object.WithoutManagedFields()
	return append(append(out, before[skip:]...), after...)
}

// appendBookmark appends a bookmark, which marks the end of the initial events if `end`.
func (e encoder) appendBookmark(out []byte, version uint64, end bool) []byte {
	if e.proto {
		meta := metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{ResourceVersion: fmt.Sprint(version)}}
		if end {
			meta.Annotations = map[string]string{initialEnd: "true"}
		}
		raw, err := meta.Marshal() // field 1 is the metadata, as in every kind
		if err != nil {
			return out
		}
		return e.appendProtoEvent(out, "BOOKMARK", e.kind.APIVersion(), e.kind.Kind, raw)
	}
	annotations := ""
	if end {
		annotations = `,"annotations":{"` + initialEnd + `":"true"}`
	}
	return fmt.Appendf(out, `{"type":"BOOKMARK","object":{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"%d"%s},%s}`+"\n",
		e.kind.Kind, e.kind.APIVersion(), version, annotations, e.emptyBody())
}

// emptyBody is the rest of an empty object of the kind, as Go encodes it.
func (e encoder) emptyBody() string {
	switch e.kind.Kind {
	case "Pod":
		return bookmarkTail
	case "EndpointSlice":
		return `"addressType":"","endpoints":null,"ports":null}`
	default:
		return `"spec":{"selector":null,"template":{"metadata":{},"spec":{"containers":null}},"strategy":{}},"status":{}}`
	}
}

func (e encoder) appendError(out []byte, status metav1.Status) []byte {
	status.TypeMeta = metav1.TypeMeta{}
	if e.proto {
		raw, err := status.Marshal()
		if err != nil {
			return out
		}
		return e.appendProtoEvent(out, "ERROR", "v1", "Status", raw)
	}
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	text, err := json.Marshal(status)
	if err != nil {
		return out
	}
	return append(append(append(out, `{"type":"ERROR","object":`...), text...), "}\n"...)
}

// appendProtoEvent appends length, WatchEvent{type, RawExtension{magic + Unknown{typeMeta, raw}}}.
func (e encoder) appendProtoEvent(out []byte, event, apiVersion, kind string, raw []byte) []byte {
	head := unknownHead(apiVersion, kind, len(raw))
	embedded := len(head) + len(raw) + len(unknownTail)
	extension := 1 + uvarintSize(embedded) + embedded
	total := 2 + len(event) + 1 + uvarintSize(extension) + extension
	out = binary.BigEndian.AppendUint32(out, uint32(total))
	out = append(out, 0x0a, byte(len(event)))
	out = append(out, event...)
	out = binary.AppendUvarint(append(out, 0x12), uint64(extension))
	out = binary.AppendUvarint(append(out, 0x0a), uint64(embedded))
	return append(append(append(out, head...), raw...), unknownTail...)
}

// unknownTail is the empty contentEncoding and contentType of runtime.Unknown.
const unknownTail = "\x1a\x00\x22\x00"

// unknownHead is the envelope of a protobuf object up to its `size` bytes of content.
func unknownHead(apiVersion, kind string, size int) []byte {
	meta := append([]byte{0x0a, byte(len(apiVersion))}, apiVersion...)
	meta = append(append(meta, 0x12, byte(len(kind))), kind...)
	out := append([]byte(protoMagic), 0x0a, byte(len(meta)))
	out = append(append(out, meta...), 0x12)
	return binary.AppendUvarint(out, uint64(size))
}

func uvarintSize(n int) int { return len(binary.AppendUvarint(nil, uint64(n))) }
