package door

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
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

	// ComfyUI knows a socket only when it has greeted it: what happens before is told
	// to nobody, with or without a front door.
	hear(t.Context(), t, second, func(s said) bool { return s.Type == "status" })

	// The old one ends after the new one has begun, for all that the browser knows.
	_ = first.CloseNow()

	until(func() bool { return w.door.Sockets() <= 1 })

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
