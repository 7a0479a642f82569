package apitest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// A Server is an API server in memory.
type Server struct {
	// Config reaches the server.
	Config *rest.Config
	// Validate checks every object that is written; may be nil.
	Validate func(*unstructured.Unstructured) error

	store *store
}

// Start runs a server until the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{store: newStore()}
	srv := httptest.NewServer(s)
	s.Config = &rest.Config{Host: srv.URL, QPS: -1}
	tb.Cleanup(func() {
		s.store.close()
		srv.CloseClientConnections()
		srv.Close()
	})
	return s
}

// Serve adds a CRD: kind and plural of a group's namespaced resources.
func (s *Server) Serve(tb testing.TB, group, version, kind, plural string) {
	tb.Helper()
	crd := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": plural + "." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced",
			"names":    map[string]any{"kind": kind, "plural": plural},
			"versions": []any{map[string]any{"name": version, "served": true, "storage": true}},
		},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "Established", "status": "True"}}},
	}}
	at := target{gvr: schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}}
	if _, err := s.store.create(at, crd, "test"); err != nil {
		tb.Fatalf("cannot serve %s: %v", kind, err)
	}
}

// A target is what a request is about.
type target struct {
	gvr       schema.GroupVersionResource
	namespace string
	name      string
	status    bool
}

// parse reads /api/v1/… and /apis/<group>/<version>/….
func parse(path string) (target, bool) {
	p := strings.Split(strings.Trim(path, "/"), "/")
	t := target{}
	switch {
	case len(p) > 2 && p[0] == "api":
		t.gvr.Version, p = p[1], p[2:]
	case len(p) > 3 && p[0] == "apis":
		t.gvr.Group, t.gvr.Version, p = p[1], p[2], p[3:]
	default:
		return t, false
	}
	if len(p) > 2 && p[0] == "namespaces" {
		t.namespace, p = p[1], p[2:]
	}
	t.gvr.Resource = p[0]
	if len(p) > 1 {
		t.name = p[1]
	}
	t.status = len(p) > 2 && p[2] == "status"
	return t, true
}

// ServeHTTP answers a request as an API server does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, ok := parse(r.URL.Path)
	if !ok {
		fail(w, kerrors.NewNotFound(schema.GroupResource{}, r.URL.Path))
		return
	}
	if r.Method == http.MethodGet && at.name == "" {
		if r.URL.Query().Get("watch") == "true" {
			s.watch(w, r, at)
			return
		}
		reply(w, s.store.list(at))
		return
	}
	u, err := s.do(r, at)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, u)
}

func (s *Server) do(r *http.Request, at target) (*unstructured.Unstructured, error) {
	manager := r.URL.Query().Get("fieldManager")
	switch r.Method {
	case http.MethodGet:
		return s.store.get(at)
	case http.MethodDelete:
		return s.store.remove(at)
	case http.MethodPost, http.MethodPut:
		u := &unstructured.Unstructured{}
		if err := json.NewDecoder(r.Body).Decode(u); err != nil {
			return nil, kerrors.NewBadRequest(err.Error())
		}
		if err := s.valid(u); err != nil {
			return nil, err
		}
		if r.Method == http.MethodPost {
			at.name = u.GetName()
			return s.store.create(at, u, manager)
		}
		return s.store.update(at, u, manager)
	case http.MethodPatch:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, kerrors.NewBadRequest(err.Error())
		}
		u, err := s.store.patch(at, types.PatchType(strings.Split(r.Header.Get("Content-Type"), ";")[0]), body, manager)
		if err == nil {
			err = s.valid(u)
		}
		return u, err
	}
	return nil, kerrors.NewMethodNotSupported(at.gvr.GroupResource(), r.Method)
}

func (s *Server) valid(u *unstructured.Unstructured) error {
	if s.Validate == nil {
		return nil
	}
	if err := s.Validate(u); err != nil {
		return kerrors.NewBadRequest(err.Error())
	}
	return nil
}

// watch streams events; it knows the initial events of watch lists.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, at target) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	flush, _ := w.(http.Flusher)
	enc := json.NewEncoder(w)
	send := func(e event) bool {
		err := enc.Encode(map[string]any{"type": e.kind, "object": e.object.Object})
		flush.Flush()
		return err == nil
	}
	since := s.store.version(r.URL.Query().Get("resourceVersion"))
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		initial := s.store.list(at)
		since = s.store.version(initial.GetResourceVersion())
		for i := range initial.Items {
			send(event{kind: "ADDED", object: &initial.Items[i]})
		}
		mark := &unstructured.Unstructured{Object: map[string]any{"apiVersion": at.gvr.GroupVersion().String(), "kind": "Bookmark"}}
		mark.SetResourceVersion(initial.GetResourceVersion())
		mark.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
		send(event{kind: "BOOKMARK", object: mark})
	}
	flush.Flush()
	s.store.follow(r.Context(), at, since, send)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // The client went.
}

func fail(w http.ResponseWriter, err error) {
	status := kerrors.APIStatus(nil)
	if !errors.As(err, &status) {
		status = kerrors.NewInternalError(err)
	}
	st := status.Status()
	st.Kind, st.APIVersion = "Status", "v1"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(st.Code))
	_ = json.NewEncoder(w).Encode(st) //nolint:errchkjson // The client went.
}
