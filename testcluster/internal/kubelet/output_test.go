// What a process prints is kept, whole and in order, and given back as it was asked for.
package kubelet

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newTestOutput(t *testing.T) *output {
	t.Helper()
	kept, err := newOutput(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// Nobody waits for the reading goroutine: the question itself empties the pipe.
func TestNothingPrintedBeforeTheQuestionIsLost(t *testing.T) {
	kept := newTestOutput(t)
	writer, _, err := kept.attach()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for line := range 5000 {
		fmt.Fprintf(writer, "line %d\n", line)
		if line%100 != 0 {
			continue
		}
		if err := kept.settle(); err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if _, err := kept.write(&text, 0, &logRequest{tail: -1, limit: -1}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(text.String(), "\n"); got != line+1 {
			t.Fatalf("after %d lines, %d are there", line+1, got)
		}
	}
}

func TestLinesAreChosen(t *testing.T) {
	kept := newTestOutput(t)
	writer, done, err := kept.attach()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(writer, "one\ntwo\nthree")
	writer.Close()
	<-done
	for _, row := range []struct {
		request logRequest
		expect  string
	}{
		{logRequest{tail: -1, limit: -1}, "one\ntwo\nthree\n"},
		{logRequest{tail: 1, limit: -1}, "three\n"},
		{logRequest{tail: 0, limit: -1}, ""},
		{logRequest{tail: -1, limit: 6}, "one\ntw"},
		{logRequest{tail: -1, limit: -1, since: time.Now().Add(time.Hour)}, ""},
		{logRequest{tail: -1, limit: -1, since: time.Now().Add(-time.Hour)}, "one\ntwo\nthree\n"},
	} {
		var text bytes.Buffer
		request := row.request
		if _, err := kept.write(&text, 0, &request); err != nil {
			t.Fatal(err)
		}
		if text.String() != row.expect {
			t.Errorf("%+v: got %q, expected %q", row.request, text.String(), row.expect)
		}
	}
}
