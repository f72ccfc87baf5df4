// Tests the replay server with client-go's own decoders: pages, encodings, the
// streaming list, resuming, and what happens to old versions after a compaction.
package replay

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tidegate.dev/bench/informer/internal/objects"
)

const podCount = 120

type fixture struct {
	store *Store
	url   string
}

func start(t *testing.T, watchList string) fixture {
	t.Helper()
	all, err := objects.Generate(objects.Options{Kind: objects.Kinds[0], Count: podCount, Seed: 3, ManagedFields: true, Protobuf: true})
	if err != nil {
		t.Fatal(err)
	}
	store := NewStore(objects.Kinds[0], all)
	options := Options{WatchList: watchList, Protobuf: true, HonourDrop: true, BookmarkEvery: time.Minute}
	server := httptest.NewServer(NewServer(options, []*Store{store}, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	return fixture{store, server.URL}
}

func (f fixture) client(t *testing.T, encoding string) *kubernetes.Clientset {
	t.Helper()
	config := &rest.Config{Host: f.url, QPS: -1}
	config.ContentType, config.AcceptContentTypes = encoding, encoding
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (f fixture) update(n int) {
	for i := range n {
		f.store.update([]int{i % podCount}, timestamp, time.Now())
	}
}

func streamingList() metav1.ListOptions {
	yes := true
	return metav1.ListOptions{SendInitialEvents: &yes, AllowWatchBookmarks: true, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan}
}

func next(t *testing.T, w watch.Interface) watch.Event {
	t.Helper()
	select {
	case event := <-w.ResultChan():
		return event
	case <-time.After(5 * time.Second):
		t.Fatal("no event within 5 s")
		return watch.Event{}
	}
}

func TestPagesAddUp(t *testing.T) {
	f := start(t, WatchListOn)
	for _, encoding := range []string{jsonType, protoType} {
		names := map[string]bool{}
		options := metav1.ListOptions{Limit: 50}
		for {
			list, err := f.client(t, encoding).CoreV1().Pods("").List(context.Background(), options)
			if err != nil {
				t.Fatal(err)
			}
			for _, pod := range list.Items {
				names[pod.Namespace+"/"+pod.Name] = true
			}
			f.update(1) // must not disturb later pages
			if options.Continue = list.Continue; options.Continue == "" {
				break
			}
		}
		if len(names) != podCount {
			t.Errorf("%s: %d different pods, want %d", encoding, len(names), podCount)
		}
	}
}

func TestStreamingListThenUpdates(t *testing.T) {
	f := start(t, WatchListOn)
	for _, encoding := range []string{jsonType, protoType} {
		w, err := f.client(t, encoding).CoreV1().Pods("").Watch(context.Background(), streamingList())
		if err != nil {
			t.Fatal(err)
		}
		for range podCount {
			if event := next(t, w); event.Type != watch.Added || event.Object.(*corev1.Pod).Spec.NodeName == "" {
				t.Fatalf("%s: unexpected initial event %v", encoding, event.Type)
			}
		}
		end := next(t, w)
		pod, ok := end.Object.(*corev1.Pod)
		if end.Type != watch.Bookmark || !ok || pod.Annotations[initialEnd] != "true" {
			t.Fatalf("%s: want the final bookmark, got %+v", encoding, end)
		}
		f.update(1)
		if event := next(t, w); event.Type != watch.Modified || event.Object.(*corev1.Pod).ResourceVersion <= pod.ResourceVersion {
			t.Fatalf("%s: want a newer version, got %v", encoding, event.Type)
		}
		f.store.compact()
		failed := next(t, w)
		if err := apierrors.FromObject(failed.Object); failed.Type != watch.Error || !apierrors.IsResourceExpired(err) {
			t.Fatalf("%s: want an expired error, got %v", encoding, err)
		}
		w.Stop()
	}
}

func TestResumeSeesOnlyNewEvents(t *testing.T) {
	f := start(t, WatchListOn)
	f.update(10)
	current, floor := f.store.versions()
	w, err := f.client(t, jsonType).CoreV1().Pods("").Watch(context.Background(), metav1.ListOptions{ResourceVersion: fmt.Sprint(floor + 7)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for version := floor + 8; version <= current; version++ {
		if got := next(t, w).Object.(*corev1.Pod).ResourceVersion; got != fmt.Sprint(version) {
			t.Fatalf("version %s, want %d", got, version)
		}
	}
}

func TestOldVersionIsRefusedAfterCompaction(t *testing.T) {
	f := start(t, WatchListOn)
	before, _ := f.store.versions()
	f.store.compact()
	client := f.client(t, protoType)
	w, err := client.CoreV1().Pods("").Watch(context.Background(), metav1.ListOptions{ResourceVersion: fmt.Sprint(before)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if event := next(t, w); event.Type != watch.Error || !apierrors.IsResourceExpired(apierrors.FromObject(event.Object)) {
		t.Fatalf("want an expired error, got %v", event.Type)
	}
	options := metav1.ListOptions{ResourceVersion: fmt.Sprint(before), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan}
	if _, err := client.CoreV1().Pods("").List(context.Background(), options); err != nil {
		t.Fatalf("a list at the last version must still work: %v", err)
	}
}

func TestStreamingListCanBeRefused(t *testing.T) {
	f := start(t, WatchListRefuse)
	_, err := f.client(t, jsonType).CoreV1().Pods("").Watch(context.Background(), streamingList())
	if !apierrors.IsInvalid(err) {
		t.Fatalf("want 422, got %v", err)
	}
}

func TestNegotiatedForms(t *testing.T) {
	f := start(t, WatchListOn)
	for _, c := range []struct{ accept, encoding, wantType, wantEncoding string }{
		{"application/json", "", jsonType, ""},
		{"application/json", "gzip", jsonType, "gzip"},
		{"application/json", "gzip;q=0", jsonType, ""},
		{"application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "", jsonType, ""},
		{"application/vnd.kubernetes.protobuf,application/json", "identity", protoType, ""},
	} {
		request, err := http.NewRequest(http.MethodGet, f.url+"/api/v1/pods", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", c.accept)
		request.Header.Set("Accept-Encoding", c.encoding)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if got := response.Header; got.Get("Content-Type") != c.wantType || got.Get("Content-Encoding") != c.wantEncoding {
			t.Errorf("%+v: got %q %q", c, got.Get("Content-Type"), got.Get("Content-Encoding"))
		}
	}
}

func TestManagedFieldsAreDroppedOnRequest(t *testing.T) {
	f := start(t, WatchListOn)
	for accept, want := range map[string]bool{"application/json": true, "application/json;drop=metadata.managedFields": false} {
		request, err := http.NewRequest(http.MethodGet, f.url+"/api/v1/pods?limit=3", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || strings.Contains(string(body), "managedFields") != want {
			t.Errorf("%s: managedFields present is not %v (%v)", accept, want, err)
		}
	}
}
