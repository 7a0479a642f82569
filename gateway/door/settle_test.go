package door

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
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

// TestAmbiguous loses prompts and answers in all places between.
func TestAmbiguous(t *testing.T) {
	abort := func() { panic(http.ErrAbortHandler) }

	cases := map[string]struct {
		reason string
		// lose does to the first POST what the case is about.
		lose  func(w *world, n *node, rw http.ResponseWriter, r *http.Request)
		want  int
		posts int
		runs  int
	}{
		"AnswerLost": {
			reason: "It is queued and nobody said so.",
			lose: func(_ *world, n *node, _ http.ResponseWriter, r *http.Request) {
				n.ServeHTTP(&dropped{http.Header{}}, r)
				abort()
			},
			want: http.StatusOK, posts: 1, runs: 1,
		},
		"RequestLost": {
			reason: "It is not queued, and sent once more.",
			lose:   func(*world, *node, http.ResponseWriter, *http.Request) { abort() },
			want:   http.StatusOK, posts: 2, runs: 1,
		},
		"AnswerCut": {
			reason: "Half an answer is none.",
			lose: func(_ *world, n *node, rw http.ResponseWriter, r *http.Request) {
				n.ServeHTTP(&dropped{http.Header{}}, r)
				rw.Header().Set("Content-Length", "100")
				_, _ = rw.Write([]byte(`{"prompt_id":`))

				abort()
			},
			want: http.StatusOK, posts: 1, runs: 1,
		},
		"Late": {
			reason: "It comes after the server was asked for it once: not knowing it yet is no answer.",
			lose: func(_ *world, n *node, _ http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				late := r.Clone(context.WithoutCancel(r.Context()))
				late.Body = io.NopCloser(bytes.NewReader(b))
				asked := false

				n.do(func(rw http.ResponseWriter, r *http.Request) bool {
					if asked || !strings.HasPrefix(r.URL.Path, "/api/jobs/") {
						return false
					}

					asked = true

					n.ServeHTTP(rw, r)
					n.ServeHTTP(&dropped{http.Header{}}, late)

					return true
				})
				abort()
			},
			want: http.StatusOK, posts: 1, runs: 1,
		},
		"Killed": {
			reason: "Its server is gone with it, and it is not run elsewhere by itself.",
			lose: func(w *world, n *node, _ http.ResponseWriter, r *http.Request) {
				n.ServeHTTP(&dropped{http.Header{}}, r)
				delete(w.nodes, n.endpoint.Pod)
				w.sync()
				abort()
			},
			want: http.StatusBadGateway, posts: 1, runs: 1,
		},
		"Refused": {
			reason: "What a server refuses is refused, and not sent again.",
			lose: func(_ *world, _ *node, rw http.ResponseWriter, _ *http.Request) {
				rw.WriteHeader(http.StatusBadRequest)
			},
			want: http.StatusBadRequest, posts: 1, runs: 0,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t, 2)
			first := make(chan bool, 1)
			first <- true

			all := []*node{w.nodes["server-0"], w.nodes["server-1"]}
			for _, n := range all {
				n.Hold()
				n.do(func(rw http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodPost || r.URL.Path != "/prompt" {
						return false
					}

					select {
					case <-first:
						tc.lose(w, n, rw, r)
						return true
					default:
						return false
					}
				})
			}

			got := w.program().do(http.MethodPost, "/prompt", graph("a"))
			posts, runs := 0, 0

			for _, n := range all {
				posts += n.got(http.MethodPost, "/prompt")
				_, q, err := w.door.get(t.Context(), servers.Server{Endpoint: n.endpoint}, "/queue")
				if err != nil {
					t.Fatal(err)
				}

				ids, err := idsOf(q)
				if err != nil {
					t.Fatal(err)
				}

				runs += len(ids)
			}

			if diff := cmp.Diff([]int{tc.want, tc.posts, tc.runs}, []int{got.status, posts, runs}); diff != "" {
				t.Errorf("%s\nPOST /prompt (status, posts, in queues): -want, +got:\n%s\n%s", tc.reason, diff, got.body)
			}
		})
	}
}

// TestUnreached has a server of which nothing is left but its entry: the prompt
// goes to another.
func TestUnreached(t *testing.T) {
	w := newWorld(t, 2)
	dead := w.nodes["server-0"]
	dead.front.CloseClientConnections()
	dead.front.Close()

	for range 6 {
		if n := w.on(w.program().queue("a")); n == dead {
			t.Error("a dead server has a prompt")
		}
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

// TestClientLeaves sends a prompt and hangs up at once.
func TestClientLeaves(t *testing.T) {
	w := newWorld(t, 1)
	n := w.nodes["server-0"]
	n.Hold()

	reached, left := make(chan struct{}), make(chan struct{})

	n.do(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/prompt" && r.Method == http.MethodPost {
			close(reached)
			<-left
		}

		return false
	})

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/prompt", strings.NewReader(graph("a")))
	if err != nil {
		t.Fatal(err)
	}

	req.Header.Set("Authorization", "Bearer "+apiToken)

	transport := &http.Transport{}
	go func() {
		res, err := transport.RoundTrip(req)
		if err == nil {
			_ = res.Body.Close()
		}
	}()

	<-reached
	transport.CloseIdleConnections()
	// The connection is in use: it is cut under the client.
	w.cut()
	close(left)

	until(func() bool { return w.answers.has("/prompt") })
	waits(t, w, n, 1)

	// Its id was learnt, which a call that ended with the client would not have.
	if got := w.door.users.ids("token/ci"); len(got) != 1 {
		t.Errorf("of a prompt whose client left, %d ids are known", len(got))
	}
}

// waits wants a server's queue to become as long.
func waits(t *testing.T, w *world, n *node, want int) {
	t.Helper()

	until(func() bool {
		_, q, err := w.door.get(t.Context(), servers.Server{Endpoint: n.endpoint}, "/queue")
		if err != nil {
			t.Fatal(err)
		}

		ids, err := idsOf(q)

		return err == nil && len(ids) == want
	})
}
