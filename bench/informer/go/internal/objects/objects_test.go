// Tests that the generated objects have the size they claim, do not depend on
// chance, and that an update changes exactly what it should in both encodings.
package objects

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func generate(t *testing.T, kind Kind, count int, managed bool) []*Object {
	t.Helper()
	out, err := Generate(Options{Kind: kind, Count: count, Seed: 7, ManagedFields: managed, Protobuf: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != count {
		t.Fatalf("%d objects, want %d", len(out), count)
	}
	return out
}

func TestPodSizes(t *testing.T) {
	for managed, want := range map[bool]int{false: 8800, true: 15800} {
		total := 0
		pods := generate(t, Kinds[0], 20000, managed)
		for _, pod := range pods {
			total += len(pod.JSON)
		}
		if mean := total / len(pods); mean < want*96/100 || mean > want*104/100 {
			t.Errorf("managedFields=%v: mean size %d, want about %d", managed, mean, want)
		}
	}
}

func TestSameSeedSameObjects(t *testing.T) {
	for _, kind := range Kinds {
		first, second := generate(t, kind, 300, true), generate(t, kind, 300, true)
		for i := range first {
			if !bytes.Equal(first[i].JSON, second[i].JSON) || !bytes.Equal(first[i].Proto, second[i].Proto) {
				t.Fatalf("%s %d differs between two runs", kind.Kind, i)
			}
		}
	}
}

func TestUpdateChangesBothEncodings(t *testing.T) {
	at := time.Date(2026, 10, 2, 3, 4, 5, 0, time.UTC)
	for _, old := range generate(t, Kinds[0], 50, true) {
		next := old.With(FirstVersion+5, "1790000000000000001", at)
		var fromJSON, fromProto corev1.Pod
		if err := json.Unmarshal(next.JSON, &fromJSON); err != nil {
			t.Fatal(err)
		}
		if err := fromProto.Unmarshal(next.Proto); err != nil {
			t.Fatal(err)
		}
		for _, pod := range []corev1.Pod{fromJSON, fromProto} {
			if pod.ResourceVersion != "2000000005" || pod.Annotations[Timestamp] != "1790000000000000001" {
				t.Fatalf("metadata was not updated: %+v", pod.ObjectMeta)
			}
			if ready := pod.Status.Conditions[2]; !ready.LastTransitionTime.Time.Equal(at) {
				t.Fatalf("condition was not updated: %+v", ready)
			}
		}
	}
}

func TestManagedFieldsCanBeLeftOut(t *testing.T) {
	with, without := generate(t, Kinds[0], 50, true), generate(t, Kinds[0], 50, false)
	for i := range with {
		before, after := with[i].WithoutManagedFields()
		if stripped := append(bytes.Clone(before), after...); !bytes.Equal(stripped, without[i].JSON) {
			t.Fatalf("pod %d: stripped JSON differs from that generated without managedFields", i)
		}
	}
}
