package comfy

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

// TestDeaf: the server has not noticed that a socket broke when the client comes
// back with its id. When it does, it takes the new one away with the old one. The
// client hears nothing then of a prompt that runs, and comes a third time.
func TestDeaf(t *testing.T) {
	ids := make(chan string, 100)
	old := &halfOpen{cut: make(chan struct{}), reaped: make(chan struct{})}
	var sockets atomic.Int32

	w := newWorld(t, comfytest.Options{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ws" {
				ids <- r.URL.Query().Get("clientId")

				if sockets.Add(1) == 1 {
					rw = &opened{rw, old}
				}
			}

			next.ServeHTTP(rw, r)
		})
	})

	w.server.Load().HoldAt(2)

	told := make(chan Event, 1000)
	done := make(chan *Result, 1)

	go func() {
		r, err := w.client().Run(t.Context(), graphOf(t, slow), Run{OnEvent: func(e Event) { told <- e }})
		if err != nil {
			t.Error(err)
		}

		done <- r
	}()

	until := func(f func(Event) bool) {
		for !f(<-told) {
			// Events before it say nothing here.
			continue
		}
	}

	until(func(e Event) bool { return e.Kind == Progress && e.Value == 2 })
	close(old.cut)
	// A server tells who comes back which node runs.
	until(func(e Event) bool { return e.Kind == Executing && e.Node == "2" })
	close(old.reaped)
	until(func(e Event) bool { return e.Kind == Executing && e.Node == "2" })
	w.server.Load().Release()

	r := <-done
	if r == nil || r.State != Succeeded || len(r.Files) != 1 || r.Files[0].Node != "57:8" {
		t.Fatalf("The prompt came to %+v", r)
	}

	if a, b, c := <-ids, <-ids, <-ids; a == "" || a != b || b != c {
		t.Errorf("The sockets have the ids %s, %s and %s: events go to the first alone.", a, b, c)
	}
}

// opened hands out a socket that breaks for the client alone.
type opened struct {
	http.ResponseWriter

	conn *halfOpen
}

func (o *opened) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(o.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}

	o.conn.Conn = conn

	go func() {
		<-o.conn.cut

		_ = conn.Close()
	}()

	// The reader has what the client said right behind its request; the library goes
	// on with the connection.
	return o.conn, bufio.NewReadWriter(rw.Reader, bufio.NewWriter(o.conn)), nil
}

// halfOpen is a connection as a server sees it whose peer went without a word.
type halfOpen struct {
	net.Conn

	cut, reaped chan struct{}
}

func (h *halfOpen) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if err != nil {
		<-h.reaped
	}

	return n, err
}

func (h *halfOpen) Write(b []byte) (int, error) {
	select {
	case <-h.cut:
		return len(b), nil
	default:
		return h.Conn.Write(b)
	}
}

// TestNoSocket: without any socket the result comes all the same.
func TestNoSocket(t *testing.T) {
	w := newWorld(t, comfytest.Options{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ws" {
				rw.WriteHeader(http.StatusBadGateway)
				return
			}

			next.ServeHTTP(rw, r)
		})
	})

	r, err := w.client().Run(t.Context(), graphOf(t, slow), Run{})
	if err != nil || r.State != Succeeded || len(r.Kept()) != 1 {
		t.Fatalf("The prompt came to %+v, %v", r, err)
	}
}

// TestLost: a server that restarts knows nothing of what it had.
func TestLost(t *testing.T) {
	w := newWorld(t, comfytest.Options{}, nil)
	w.server.Load().Hold()

	_, err := w.client().Run(t.Context(), graphOf(t, slow), Run{OnQueued: func(Ticket) {
		before := w.server.Load()
		w.start(comfytest.Options{Directory: w.dir})
		before.Close()
	}})
	if !errors.Is(err, ErrLost) {
		t.Fatalf("want %v, got %v", ErrLost, err)
	}
}

// TestBlocked: an error is told of a node that another one blocked, and the prompt
// succeeds.
func TestBlocked(t *testing.T) {
	w := newWorld(t, comfytest.Options{}, nil)

	r, err := w.client().Run(t.Context(), graphOf(t, `{
		"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 7}},
		"2": {"class_type": "Blocker", "inputs": {"image": ["1", 0]}},
		"3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "never"}},
		"4": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "kept"}}
	}`), Run{})
	if err != nil || r.Err() != nil || len(r.Files) != 1 || r.Files[0].Name != "kept_00001_.png" {
		t.Fatalf("The prompt came to %+v, %v", r, err)
	}
}

// TestOthers: what is told of somebody else's prompt, which names no client, is not
// this prompt's.
func TestOthers(t *testing.T) {
	w := newWorld(t, comfytest.Options{}, nil)
	c := w.client()

	others := graphOf(t, slow)
	if err := others.Set("2.steps", 1); err != nil {
		t.Fatal(err)
	}

	// It runs to its end, and the one after it stops behind its second step.
	w.server.Load().Hold()

	if _, err := c.Submit(t.Context(), others, Submission{}); err != nil {
		t.Fatal(err)
	}

	var progress []Event

	r, err := c.Run(t.Context(), graphOf(t, slow), Run{
		OnQueued: func(Ticket) {
			w.server.Load().Release()
			w.server.Load().HoldAt(2)
		},
		OnEvent: func(e Event) {
			if e.Kind == Progress {
				progress = append(progress, e)
			}

			if e.Kind == Progress && e.Value == 2 {
				w.server.Load().Release()
			}
		},
	})
	if err != nil || r.State != Succeeded {
		t.Fatalf("The prompt came to %+v, %v", r, err)
	}

	// The third step may come after the result.
	want := []Event{{Kind: Progress, Node: "2", Value: 1, Max: 3}, {Kind: Progress, Node: "2", Value: 2, Max: 3}}
	if diff := cmp.Diff(want, progress[:2]); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

// TestCancelWaiting: a prompt that waits leaves the queue, and nobody else's stops.
func TestCancelWaiting(t *testing.T) {
	w := newWorld(t, comfytest.Options{}, nil)
	c := w.client()
	w.server.Load().HoldAt(1)

	first, err := c.Submit(t.Context(), graphOf(t, slow), Submission{})
	if err != nil {
		t.Fatal(err)
	}

	second, err := c.Submit(t.Context(), graphOf(t, slow), Submission{})
	if err != nil {
		t.Fatal(err)
	}

	if found, err := c.Cancel(t.Context(), second.ID); err != nil || !found {
		t.Fatalf("cannot cancel: %v %v", found, err)
	}

	if found, err := c.Cancel(t.Context(), NewID()); err != nil || found {
		t.Fatalf("a prompt that never was is cancelled: %v %v", found, err)
	}

	w.server.Load().Release()

	if r, err := c.Follow(t.Context(), first.ID); err != nil || r.State != Succeeded {
		t.Fatalf("The other prompt came to %+v, %v", r, err)
	}

	if _, err := c.Follow(t.Context(), second.ID); !errors.Is(err, ErrLost) {
		t.Fatalf("The cancelled prompt came to %v", err)
	}
}

// TestGiveUp: who stops waiting is let go.
func TestGiveUp(t *testing.T) {
	w := newWorld(t, comfytest.Options{}, nil)
	w.server.Load().Hold()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()

	if _, err := w.client().Run(ctx, graphOf(t, slow), Run{OnQueued: func(Ticket) { stop() }}); !errors.Is(err, context.Canceled) {
		t.Fatalf("want %v, got %v", context.Canceled, err)
	}

	if n, err := w.client().Remaining(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d prompts are in the queue (%v), and the one that was queued goes on", n, err)
	}
}

// outputs counts the files of a server's output.
func (w *world) outputs(pattern string) int {
	w.Helper()

	all, err := filepath.Glob(filepath.Join(w.dir, "output", pattern))
	if err != nil {
		w.Fatal(err)
	}

	return len(all)
}

func read(t *testing.T, path string) []byte {
	t.Helper()

	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	return b
}
