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
