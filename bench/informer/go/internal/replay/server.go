// The HTTP side: routing, discovery in its legacy form, and the lookup of the
// store that a path names.
package replay

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tidegate.dev/bench/informer/internal/objects"
)

// How the server treats `sendInitialEvents`.
const (
	WatchListOn     = "on"
	WatchListIgnore = "ignore" // as servers older than the parameter
	WatchListRefuse = "refuse" // as servers with the feature switched off
)

// Options of a server.
type Options struct {
	WatchList     string
	Protobuf      bool
	HonourDrop    bool
	BookmarkEvery time.Duration
}

// Server answers for a set of stores.
type Server struct {
	options Options
	stores  []*Store
	log     *slog.Logger
	mux     *http.ServeMux
}

// NewServer serves the stores; control requests go to /control/.
func NewServer(options Options, stores []*Store, log *slog.Logger) *Server {
	s := &Server{options: options, stores: stores, log: log, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"major": "1", "minor": "37", "gitVersion": "v1.37.2-replay", "platform": "linux/amd64"})
	})
	s.mux.HandleFunc("GET /api", s.discovery(s.legacyVersions))
	s.mux.HandleFunc("GET /apis", s.discovery(s.groups))
	for _, store := range stores {
		kind := store.Kind
		s.mux.HandleFunc("GET "+kind.Path(), s.discovery(func() any { return resources(kind) }))
		s.mux.HandleFunc("GET "+kind.Path()+"/"+kind.Resource, s.collection(store))
		s.mux.HandleFunc("GET "+kind.Path()+"/namespaces/{namespace}/"+kind.Resource, s.collection(store))
	}
	s.mux.HandleFunc("POST /control/updates", s.controlUpdates)
	s.mux.HandleFunc("POST /control/relist", s.controlRelist)
	s.mux.HandleFunc("GET /control/status", s.controlStatus)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeStatus(w, *notFound()) })
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.log.Debug("request", "method", r.Method, "url", r.URL.String(), "accept", r.Header.Get("Accept"), "encoding", r.Header.Get("Accept-Encoding"))
	s.mux.ServeHTTP(w, r)
}

func (s *Server) collection(store *Store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		namespace := r.PathValue("namespace")
		switch r.URL.Query().Get("watch") {
		case "1", "true":
			s.watch(w, r, store, namespace)
		default:
			s.list(w, r, store, namespace)
		}
	}
}

// discovery answers in the legacy form, or 406 to those who take only the aggregated one.
func (s *Server) discovery(document func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := negotiate(r.Header.Get("Accept"), objects.Kind{}, false, false); !ok {
			writeStatus(w, notAcceptable())
			return
		}
		writeJSON(w, http.StatusOK, document())
	}
}

func (s *Server) legacyVersions() any {
	return metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
}

func (s *Server) groups() any {
	out := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{}}
	for _, store := range s.stores {
		if store.Kind.Group == "" {
			continue
		}
		version := metav1.GroupVersionForDiscovery{GroupVersion: store.Kind.APIVersion(), Version: store.Kind.Version}
		out.Groups = append(out.Groups, metav1.APIGroup{
			Name: store.Kind.Group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version,
		})
	}
	return out
}

func resources(kind objects.Kind) any {
	return metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: kind.APIVersion(),
		APIResources: []metav1.APIResource{{
			Name: kind.Resource, SingularName: strings.ToLower(kind.Kind), Namespaced: true, Kind: kind.Kind,
			Verbs: metav1.Verbs{"get", "list", "watch"},
		}},
	}
}
