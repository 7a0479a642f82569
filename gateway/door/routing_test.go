package door

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

func (c *client) queue(name string, more ...string) string {
	c.Helper()

	got := c.do(http.MethodPost, "/prompt", strings.Replace(graph(name), "{", "{"+strings.Join(append(more, ""), ","), 1))
	if got.status != http.StatusOK {
		c.Fatalf("a sound prompt: %d %s", got.status, got.body)
	}

	id, _ := got.json(c.TB)["prompt_id"].(string)

	return id
}

// on says which server an id is for.
func (w *world) on(id string) *node {
	w.Helper()

	tag, ok := prompt.Made(w.store.Secrets().Marks, id)
	if !ok {
		w.Fatalf("%s is not ours", id)
	}

	for _, n := range w.nodes {
		if n.endpoint.Tag() == tag {
			return n
		}
	}

	w.Fatalf("%s is on no server", id)

	return nil
}

// TestMinted has a second front door, which saw nothing, find what the first queued.
func TestMinted(t *testing.T) {
	w := newWorld(t, 5)
	other := &client{TB: t, base: w.serve(w.open()), token: apiToken, http: &http.Client{}}

	for range 10 {
		id := w.program().queue("a")
		want := w.on(id).endpoint.Tag().String()

		for _, path := range []string{"/history/" + id, "/api/jobs/" + id} {
			if got := other.do(http.MethodGet, path, ""); got.status != http.StatusOK || got.header.Get("X-Studio-Server") != want {
				t.Errorf("%s: %d from %q, want %s", path, got.status, got.header.Get("X-Studio-Server"), want)
			}
		}

		other.history(id)
	}
}

// TestSpread gives prompts to whoever has the least to do.
func TestSpread(t *testing.T) {
	w := newWorld(t, 3)
	for _, n := range w.nodes {
		n.Hold()
	}

	counts := map[string]int{}
	for range 9 {
		counts[w.on(w.program().queue("a")).endpoint.Pod]++
	}

	if diff := cmp.Diff(map[string]int{"server-0": 3, "server-1": 3, "server-2": 3}, counts); diff != "" {
		t.Errorf("nine prompts: -want, +got:\n%s", diff)
	}
}

// TestForeign queues with ids of the client's own, and twice.
func TestForeign(t *testing.T) {
	const id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

	w := newWorld(t, 3)

	if got := w.program().queue("a", `"prompt_id":"`+id+`"`); got != id {
		t.Fatalf("the client's id became %s", got)
	}

	// Another front door finds it, and does not queue it again.
	other := &client{TB: t, base: w.serve(w.open()), token: apiToken, http: &http.Client{}}
	if got := other.queue("a", `"prompt_id":"`+id+`"`); got != id {
		t.Errorf("the second answer is for %s", got)
	}

	other.history(id)

	posts := 0
	for _, n := range w.nodes {
		posts += n.got(http.MethodPost, "/prompt")
	}

	if posts != 1 {
		t.Errorf("servers got the prompt %d times", posts)
	}

	for path, want := range map[string]int{"/history/00000000-0000-4000-8000-000000000000": 200, "/api/jobs/00000000-0000-4000-8000-000000000000": 404} {
		if got := other.do(http.MethodGet, path, ""); got.status != want {
			t.Errorf("%s, which nobody has: want %d, got %d", path, want, got.status)
		}
	}
}

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

	for !w.answers.has("/prompt") {
		if t.Context().Err() != nil {
			return
		}
	}

	waits(t, w, n, 1)

	// Its id was learnt, which a call that ended with the client would not have.
	if got := w.door.users.ids("token/ci"); len(got) != 1 {
		t.Errorf("of a prompt whose client left, %d ids are known", len(got))
	}
}

// waits wants a server's queue to become as long.
func waits(t *testing.T, w *world, n *node, want int) {
	t.Helper()

	for t.Context().Err() == nil {
		_, q, err := w.door.get(t.Context(), servers.Server{Endpoint: n.endpoint}, "/queue")
		if err != nil {
			t.Fatal(err)
		}

		if ids, err := idsOf(q); err == nil && len(ids) == want {
			return
		}
	}
}

// TestPinned keeps somebody on a server while it is there, blips or not, and moves
// them when it goes.
func TestPinned(t *testing.T) {
	w := newWorld(t, 3)
	c := w.artist()
	server := func() string { return c.navigate("/").header.Get("X-Studio-Server") }
	mine := server()

	for range 5 {
		if got := server(); got != mine {
			t.Fatalf("a session moved from %s to %s", mine, got)
		}
	}

	var n *node
	for _, one := range w.nodes {
		if one.endpoint.Tag().String() == mine {
			n = one
		}
	}

	n.endpoint.Ready = false
	w.sync()

	if got := server(); got != mine {
		t.Errorf("a server that is not ready for a moment lost its session to %s", got)
	}

	n.endpoint.Draining = true
	w.sync()

	got := c.navigate("/")
	if got.header.Get("X-Studio-Server") == mine || got.header.Get("X-Studio-Moved") == "" {
		t.Errorf("a session stays on a server that is drained, or is not told: %q %q", got.header.Get("X-Studio-Server"), got.header.Get("X-Studio-Moved"))
	}
}

// TestLists merges what servers have, for programs.
func TestLists(t *testing.T) {
	w := newWorld(t, 3)
	for _, n := range w.nodes {
		n.Hold()
	}

	p := w.program()

	var ids []string
	for range 6 {
		ids = append(ids, p.queue("a"))
		// Times are in milliseconds, and they order the list.
		time.Sleep(2 * time.Millisecond)
	}

	got := p.do(http.MethodGet, "/queue", "")

	listed, err := idsOf([]byte(got.body))
	if err != nil {
		t.Fatal(err)
	}

	slices.Sort(listed)

	want := slices.Sorted(slices.Values(ids))
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("GET /queue: -want, +got:\n%s", diff)
	}

	page := p.do(http.MethodGet, "/api/jobs?limit=2&offset=1&sort_order=asc", "").json(t)
	jobs, _ := page["jobs"].([]any)

	var paged []string
	for _, j := range jobs {
		paged = append(paged, j.(map[string]any)["id"].(string))
	}

	if diff := cmp.Diff(ids[1:3], paged); diff != "" {
		t.Errorf("GET /api/jobs: -want, +got:\n%s", diff)
	}

	if got := page["pagination"].(map[string]any)["total"]; got != 6.0 {
		t.Errorf("GET /api/jobs: the total is %v", got)
	}

	for _, n := range w.nodes {
		n.Release()
	}

	for _, id := range ids {
		p.history(id)
	}

	if got := len(p.do(http.MethodGet, "/history?max_items=4", "").json(t)); got != 4 {
		t.Errorf("GET /history?max_items=4: %d entries", got)
	}

	// A list that is short says so.
	w.nodes["server-1"].front.CloseClientConnections()
	w.nodes["server-1"].front.Close()

	got = p.do(http.MethodGet, "/queue", "")
	if diff := cmp.Diff([]string{w.nodes["server-1"].endpoint.Tag().String()}, got.header.Values("X-Studio-Partial")); diff != "" {
		t.Errorf("a list without a server: -want, +got:\n%s", diff)
	}
}

// TestChanges stops and removes prompts: each where it is, and all of a pool only
// when it is named.
func TestChanges(t *testing.T) {
	w := newWorld(t, 2)
	for _, n := range w.nodes {
		n.Hold()
	}

	p := w.program()

	var ids []string
	for range 6 {
		ids = append(ids, p.queue("a"))
	}

	for _, bad := range [][2]string{{"/interrupt", ""}, {"/interrupt", "{}"}, {"/queue", `{"clear":true}`}, {"/history", `{"clear":true}`}, {"/free", `{"unload_models":true}`}} {
		if got := p.do(http.MethodPost, bad[0], bad[1]); got.status != http.StatusBadRequest || !strings.Contains(got.body, "?pool=") {
			t.Errorf("POST %s %s: want 400 that names ?pool=, got %d %s", bad[0], bad[1], got.status, got.body)
		}
	}

	if got := p.do(http.MethodPost, "/queue", `{"delete":["`+ids[4]+`","`+ids[5]+`"]}`); got.status != http.StatusOK {
		t.Errorf("delete: %d %s", got.status, got.body)
	}

	left, err := idsOf([]byte(p.do(http.MethodGet, "/queue", "").body))
	if err != nil {
		t.Fatal(err)
	}

	if slices.Contains(left, ids[4]) || slices.Contains(left, ids[5]) || len(left) != 4 {
		t.Errorf("after the delete: %d are left", len(left))
	}

	// Only the server that has the prompt hears of the interrupt.
	n := w.on(ids[0])

	if got := p.do(http.MethodPost, "/interrupt", `{"prompt_id":"`+ids[0]+`"}`); got.status != http.StatusOK {
		t.Errorf("interrupt: %d %s", got.status, got.body)
	}

	for _, one := range w.nodes {
		if got := one.got(http.MethodPost, "/interrupt"); (got == 1) != (one == n) {
			t.Errorf("%s was interrupted %d times", one.endpoint.Pod, got)
		}
	}

	if got := p.do(http.MethodPost, "/queue?pool=default", `{"clear":true}`); got.status != http.StatusOK {
		t.Errorf("clear with a pool: %d %s", got.status, got.body)
	}
}

// TestDeaf connects again with the id of a socket that is open, which leaves the
// new one deaf unless the old one is gone first.
func TestDeaf(t *testing.T) {
	w := newWorld(t, 1)
	c := w.artist()
	c.navigate("/")

	first, _, err := c.dial("/ws?clientId=me") //nolint:bodyclose // It is the socket.
	if err != nil {
		t.Fatal(err)
	}
	defer first.CloseNow()

	second, _, err := c.dial("/ws?clientId=me") //nolint:bodyclose // As above.
	if err != nil {
		t.Fatal(err)
	}
	defer second.CloseNow()

	// The old one ends after the new one has begun, for all that the browser knows.
	_ = first.CloseNow()

	for w.door.Sockets() > 1 {
		if t.Context().Err() != nil {
			return
		}
	}

	got := c.fetch(http.MethodPost, "/prompt", strings.Replace(graph("a"), "{", `{"client_id":"me",`, 1))
	id, _ := got.json(t)["prompt_id"].(string)

	// Who is deaf waits for ever.
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()

	hear(ctx, t, second, func(s said) bool { return s.Type == "execution_success" && s.Data["prompt_id"] == id })
}

// TestFull queues more than one may.
func TestFull(t *testing.T) {
	w := newWorld(t, 1)
	w.nodes["server-0"].Hold()

	p := w.program()
	for range mostOfOne {
		p.queue("a")
	}

	got := p.do(http.MethodPost, "/prompt", graph("a"))
	if got.status != http.StatusTooManyRequests || got.header.Get("X-Studio-Queue") != "100" {
		t.Errorf("one more: want 429 with 100, got %d with %q", got.status, got.header.Get("X-Studio-Queue"))
	}

	if got := w.artist().fetch(http.MethodPost, "/prompt", graph("b")); got.status != http.StatusOK {
		t.Errorf("another's prompt: want 200, got %d", got.status)
	}
}

// TestTogether sends a prompt with an id of the client's own many times at once.
func TestTogether(t *testing.T) {
	const id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

	w := newWorld(t, 3)

	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got := w.program().queue("a", `"prompt_id":"`+id+`"`); got != id {
				t.Errorf("the answer is for %s", got)
			}
		})
	}

	wg.Wait()

	posts := 0
	for _, n := range w.nodes {
		posts += n.got(http.MethodPost, "/prompt")
	}

	if posts != 1 {
		t.Errorf("servers got the prompt %d times", posts)
	}
}

// TestMoved drains the server that somebody has a socket to. The socket goes when
// the server has finished what it had, and comes back at another one.
func TestMoved(t *testing.T) {
	w := newWorld(t, 2)
	go w.door.Move(t.Context())

	c := w.artist()
	mine := c.navigate("/").header.Get("X-Studio-Server")

	k, _, err := c.dial("/ws?clientId=me") //nolint:bodyclose // It is the socket.
	if err != nil {
		t.Fatal(err)
	}
	defer k.CloseNow()

	for _, n := range w.nodes {
		if tag := n.endpoint.Tag(); tag.String() == mine {
			// It has something to do still.
			w.table.Answered(tag, 1, nil)

			n.endpoint.Draining = true
			w.sync()

			if len(w.door.sockets.of(w.door.moves)) != 0 {
				t.Error("a socket goes whose prompt still runs")
			}

			w.table.Answered(tag, 0, nil)
		}
	}

	for err == nil {
		_, _, err = k.Read(t.Context())
	}

	if websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("the socket ends with %v", err)
	}

	again, res, err := c.dial("/ws?clientId=me") //nolint:bodyclose // It is the socket.
	if err != nil {
		t.Fatal(err)
	}
	defer again.CloseNow()

	if got := res.Header.Get("X-Studio-Server"); got == mine || got == "" {
		t.Errorf("it comes back at %q", got)
	}

	// The session has moved with it.
	if got := c.fetch(http.MethodGet, "/api/queue", "").header.Get("X-Studio-Server"); got == mine {
		t.Error("the session stays where its socket is not")
	}
}
