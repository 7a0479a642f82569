package door

import (
	"net/http"
	"strings"
	"testing"
)

// TestLost takes a server away, and starts another anew.
func TestLost(t *testing.T) {
	cases := map[string]struct {
		reason string
		end    func(w *world, n *node)
		want   string
	}{
		"Gone":    {reason: "The pod is no more.", end: func(w *world, n *node) { delete(w.nodes, n.endpoint.Pod) }, want: "the server went away"},
		"Stopped": {reason: "It was told to stop.", end: func(w *world, n *node) { n.endpoint.Leaving = true; w.sync(); delete(w.nodes, n.endpoint.Pod) }, want: "the server was stopped"},
		"Anew":    {reason: "A process that was started again has forgotten.", end: func(_ *world, n *node) { n.endpoint.Restarts++ }, want: "the server was started again"},
		"Address": {reason: "Another pod has its address.", end: func(_ *world, n *node) { n.endpoint.UID, n.endpoint.Pod = "other", "other" }, want: "the server went away"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.nodes["server-0"].Hold()

			p := w.program()
			id := p.queue("a")
			tc.end(w, w.nodes["server-0"])
			w.sync()

			got := p.do(http.MethodGet, "/history/"+id, "")
			if got.status != http.StatusOK || got.header.Get("X-Studio-Lost") == "" || !strings.Contains(got.body, `"status_str":"error"`) || !strings.Contains(got.body, tc.want) || !strings.Contains(got.body, `"time":"`) {
				t.Errorf("%s\nGET /history/{id}: %d %s", tc.reason, got.status, got.body)
			}

			if got = p.do(http.MethodGet, "/api/jobs/"+id, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"status":"failed"`) {
				t.Errorf("%s\nGET /api/jobs/{id}: %d %s", tc.reason, got.status, got.body)
			}
		})
	}
}

// TestFree sends a prompt with an id of the client's own that no server takes. When
// that server is gone the id is not lost with it: it can be sent again.
func TestFree(t *testing.T) {
	const id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

	cases := map[string]struct {
		reason string
		fail   func(n *node)
		want   int
	}{
		"Unreached": {reason: "It was reached by nobody: the server ends after it was asked for the id.", fail: func(n *node) {
			n.do(func(rw http.ResponseWriter, _ *http.Request) bool {
				_ = n.front.Listener.Close()

				rw.Header().Set("Connection", "close")

				return false
			})
		}, want: http.StatusServiceUnavailable},
		"Refused": {reason: "It was refused.", fail: func(n *node) {
			n.do(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPost {
					return false
				}

				rw.WriteHeader(http.StatusBadRequest)

				return true
			})
		}, want: http.StatusBadRequest},
		"RefusedLater": {reason: "It was lost on the way, and refused when it was sent once more.", fail: func(n *node) {
			lost := false

			n.do(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPost {
					return false
				}

				if !lost {
					lost = true

					panic(http.ErrAbortHandler)
				}

				rw.WriteHeader(http.StatusBadRequest)

				return true
			})
		}, want: http.StatusBadRequest},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t, 1)
			tc.fail(w.nodes["server-0"])

			body := strings.Replace(graph("a"), "{", `{"prompt_id":"`+id+`",`, 1)
			if got := w.program().do(http.MethodPost, "/prompt", body); got.status != tc.want {
				t.Fatalf("%s\nPOST /prompt: want %d, got %d %s", tc.reason, tc.want, got.status, got.body)
			}

			delete(w.nodes, "server-0")
			w.add("other")
			w.sync()

			if got := w.program().do(http.MethodPost, "/prompt", body); got.status != http.StatusOK {
				t.Errorf("%s\nPOST /prompt again: want 200, got %d %s", tc.reason, got.status, got.body)
			}
		})
	}
}
