package door

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/peer"
	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
)

// pair has a second front door open, and both know each other: at addresses of their
// own with one port, as pods are.
func pair(t *testing.T, w *world) (bases [2]string, cut func()) {
	t.Helper()

	port := 0
	hosts := [2]string{"127.0.0.2", "127.0.0.3"}
	doors := [2]*Door{w.door, w.open()}
	key := func() []byte { return []byte("key") }
	sides := [2]*httptest.Server{}

	for i, d := range doors {
		l, err := net.Listen("tcp", net.JoinHostPort(hosts[i], strconv.Itoa(port))) //nolint:noctx // It is there at once.
		if err != nil {
			t.Fatal(err)
		}

		port = l.Addr().(*net.TCPAddr).Port
		sides[i] = httptest.NewUnstartedServer(&peer.Server{
			Key: key, Now: time.Now, Hold: d.Hold, Activity: func() peer.Activity { return nil },
			Drop: func(ctx context.Context, server prompt.Tag, id string) { d.Drop(ctx, server, id) },
		})
		_ = sides[i].Listener.Close()
		sides[i].Listener = l
		sides[i].Start()
		t.Cleanup(sides[i].Close)
	}

	for i, d := range doors {
		d.Peers = &peer.Client{
			Self: hosts[i], Key: key, Port: port, Now: time.Now, HTTP: &http.Client{Transport: &http.Transport{}},
			Peers: func(context.Context) ([]string, error) { return []string{hosts[1-i]}, nil },
		}
	}

	return [2]string{w.url, w.serve(doors[1])}, func() {
		for _, s := range sides {
			s.CloseClientConnections()
			_ = s.Listener.Close()
		}
	}
}

// TestOneIDAtTwoDoors sends prompts with ids of the client's own to both front doors
// at once. Each is queued once, and both say so. When the front doors are cut off
// from each other, what cannot be told is said, and nothing is queued twice.
func TestOneIDAtTwoDoors(t *testing.T) {
	const prompts = 24

	w := newWorld(t, 3)
	bases, cut := pair(t, w)

	var mu sync.Mutex

	taken := map[string]int{}

	for _, n := range w.nodes {
		n.do(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost && r.URL.Path == "/prompt" {
				mu.Lock()
				taken[idOf(r)]++
				mu.Unlock()
			}

			return false
		})
	}

	refused := 0

	for i := range 2 * prompts {
		if i == prompts {
			cut()
		}

		id := fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i)
		body := strings.Replace(graph("p"), "{", `{"prompt_id":"`+id+`",`, 1)

		var (
			wg   sync.WaitGroup
			said [2]int
		)

		for at, base := range bases {
			wg.Go(func() {
				c := w.program()
				c.base = base
				said[at] = c.do(http.MethodPost, "/prompt", body, "Idempotency-Key", id).status
			})
		}

		wg.Wait()

		ok := 0

		for _, status := range said {
			switch {
			case status == http.StatusOK:
				ok++
			case i >= prompts && status == http.StatusServiceUnavailable:
				refused++
			default:
				t.Errorf("%s is answered with %d", id, status)
			}
		}

		mu.Lock()

		if taken[id] > 1 || (taken[id] == 0 && ok > 0) || (i < prompts && ok != 2) {
			t.Errorf("%s: %d front doors say that it is queued, and it was %d times", id, ok, taken[id])
		}

		mu.Unlock()
	}

	if refused == 0 {
		t.Error("front doors that are cut off from each other act as if they were not")
	}
}
