// Encoded objects: the bytes a server sends, made once, and the places in them
// that an update changes. All three changeable values have a fixed width in
// JSON and in protobuf, so an update is a copy plus a few overwritten bytes.
package objects

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Timestamp is the annotation with the wall-clock time in ns at which an update was sent.
const Timestamp = "bench.io/ts"

// The marks stand for values that are filled in later; each occurs nowhere else.
const (
	versionMark   = "9876501234"
	timestampMark = "9999900000123454321"
	// NoTimestamp is the annotation's value before the first update.
	NoTimestamp = "0000000000000000000"
)

// timeMark has a seconds value of the same varint width as present times.
var timeMark = time.Date(2008, 2, 29, 23, 59, 57, 0, time.UTC)

// Object is one encoded object. It never changes; an update makes a new one.
type Object struct {
	Namespace, Name string
	JSON            []byte // without apiVersion and kind, as items of a list
	Proto           []byte // nil unless asked for
	places          *places
}

// places are offsets, the same for all versions of one object.
type places struct {
	json, proto  encodedPlaces
	managedStart int // of `,"managedFields":[...]` in JSON; 0 when there is none
	managedEnd   int
}

type encodedPlaces struct {
	version, timestamp int
	times, binaryTimes []int
}

type marshaler interface {
	metav1.Object
	Marshal() ([]byte, error)
}

func encode(object marshaler, withProto bool) (*Object, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode %s/%s: %w", object.GetNamespace(), object.GetName(), err)
	}
	out := &Object{Namespace: object.GetNamespace(), Name: object.GetName(), JSON: text, places: &places{}}
	if out.places.json, err = findPlaces(text, false); err != nil {
		return nil, fmt.Errorf("JSON of %s/%s: %w", out.Namespace, out.Name, err)
	}
	out.findManagedFields(object)
	if !withProto {
		return out, nil
	}
	if out.Proto, err = object.Marshal(); err != nil {
		return nil, fmt.Errorf("encode %s/%s as protobuf: %w", out.Namespace, out.Name, err)
	}
	if out.places.proto, err = findPlaces(out.Proto, true); err != nil {
		return nil, fmt.Errorf("protobuf of %s/%s: %w", out.Namespace, out.Name, err)
	}
	return out, nil
}

func findPlaces(data []byte, binaryToo bool) (encodedPlaces, error) {
	versions := findAll(data, []byte(versionMark))
	stamps := findAll(data, []byte(timestampMark))
	if len(versions) != 1 || len(stamps) != 1 {
		return encodedPlaces{}, fmt.Errorf("%d version marks and %d timestamp marks, want one each", len(versions), len(stamps))
	}
	out := encodedPlaces{version: versions[0], timestamp: stamps[0], times: findAll(data, []byte(timeMark.Format(time.RFC3339)))}
	if binaryToo {
		out.binaryTimes = findAll(data, secondsField(timeMark))
		for i := range out.binaryTimes {
			out.binaryTimes[i]++ // past the tag
		}
	}
	return out, nil
}

func findAll(data, mark []byte) []int {
	var out []int
	for from := 0; ; {
		i := bytes.Index(data[from:], mark)
		if i < 0 {
			return out
		}
		out = append(out, from+i)
		from += i + len(mark)
	}
}

// secondsField is field 1 of a protobuf Timestamp.
func secondsField(t time.Time) []byte { return binary.AppendUvarint([]byte{0x08}, uint64(t.Unix())) }

func (o *Object) findManagedFields(object metav1.Object) {
	if len(object.GetManagedFields()) == 0 {
		return
	}
	entries, err := json.Marshal(object.GetManagedFields())
	if err != nil {
		return
	}
	field := append([]byte(`,"managedFields":`), entries...)
	if start := bytes.Index(o.JSON, field); start > 0 {
		o.places.managedStart, o.places.managedEnd = start, start+len(field)
	}
}

// With returns the next version of the object: new resource version, timestamp and status times.
func (o *Object) With(version uint64, timestamp string, changed time.Time) *Object {
	next := &Object{Namespace: o.Namespace, Name: o.Name, places: o.places}
	next.JSON = o.places.json.patched(o.JSON, version, timestamp, changed)
	if o.Proto != nil {
		next.Proto = o.places.proto.patched(o.Proto, version, timestamp, changed)
	}
	return next
}

func (p *encodedPlaces) patched(data []byte, version uint64, timestamp string, changed time.Time) []byte {
	out := bytes.Clone(data)
	copy(out[p.version:p.version+len(versionMark)], strconv.FormatUint(version, 10))
	copy(out[p.timestamp:p.timestamp+len(timestampMark)], timestamp)
	text := changed.UTC().Format(time.RFC3339)
	for _, at := range p.times {
		copy(out[at:], text)
	}
	varint := secondsField(changed)[1:]
	for _, at := range p.binaryTimes {
		copy(out[at:], varint)
	}
	return out
}

// WithoutManagedFields returns the JSON in two parts that leave managedFields out.
func (o *Object) WithoutManagedFields() (before, after []byte) {
	if o.places.managedStart == 0 {
		return o.JSON, nil
	}
	return o.JSON[:o.places.managedStart], o.JSON[o.places.managedEnd:]
}
