package door

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
)

// A ledger counts which prompts servers have taken.
type ledger struct {
	mu    sync.Mutex
	taken map[string]int
}

// take has a server answer a prompt, and writes down whether it took it.
func (l *ledger) take(n *node, r *http.Request) *httptest.ResponseRecorder {
	id := idOf(r)
	rec := httptest.NewRecorder()
	n.ServeHTTP(rec, r)

	if rec.Code == http.StatusOK {
		l.mu.Lock()
		l.taken[id]++
		l.mu.Unlock()
	}

	return rec
}

// idOf is the id of the prompt that a request brings.
func idOf(r *http.Request) string {
	b, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))

	var body struct {
		ID string `json:"prompt_id"`
	}

	_ = json.Unmarshal(b, &body)

	return body.ID
}

// TestChaos is a random life of a studio with two front doors, which are cut off from
// each other at times. CHAOS_STEPS makes it longer, and CHAOS_SEED repeats one. Every prompt that
// was accepted is finished and found by its id, or is said to be lost because its
// server is gone. None is run twice, and none is lost in silence.
func TestChaos(t *testing.T) {
	for _, size := range []int{1, 3, 10} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()

			seed := fromEnvironment(t, "CHAOS_SEED", rand.Uint64())
			t.Logf("CHAOS_SEED=%d", seed)
			chaos(t, size, fromEnvironment(t, "CHAOS_STEPS", 1000), rand.New(rand.NewPCG(seed, uint64(size))))
		})
	}
}

func fromEnvironment(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()

	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}

	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}

	return n
}

// A mesh is front doors that know each other. It stands for the network between
// them, which can be cut.
type mesh struct {
	mu    sync.Mutex
	doors [2]*Door
	cut   bool
}

// A seat is one of a mesh's places.
type seat struct {
	*mesh

	at int
}

// join has a front door take a place.
func (m *mesh) join(d *Door, at int) *Door {
	m.mu.Lock()
	defer m.mu.Unlock()

	d.Peers = seat{m, at}
	m.doors[at] = d

	return d
}

func (s seat) other() (*Door, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.doors[1-s.at], !s.cut
}

func (s seat) Drop(ctx context.Context, server prompt.Tag, id string) {
	if d, there := s.other(); there {
		d.Drop(ctx, server, id)
	}
}

func (s seat) Turn(ctx context.Context, id string, own func(context.Context, string) (func(), error)) (func(), error) {
	if int(id[0])%2 == s.at {
		return own(ctx, id)
	}

	d, there := s.other()
	if !there {
		return nil, errors.New("cut off")
	}

	return d.Hold(ctx, id)
}

func chaos(t *testing.T, size int, steps uint64, r *rand.Rand) {
	t.Helper()

	w := newWorld(t, size)
	book := &ledger{taken: map[string]int{}}
	net := &mesh{}
	net.join(w.door, 0)

	doors := []string{w.url, w.serve(net.join(w.open(), 1))}
	accepted, killed, made := map[string]bool{}, 0, size

	var faults sync.Mutex

	// What happens to the next prompts, whichever server gets them.
	next := []string{}

	arm := func(n *node) {
		n.do(func(rw http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodPost || req.URL.Path != "/prompt" {
				return false
			}

			faults.Lock()

			fault := ""
			if len(next) > 0 {
				fault, next = next[0], next[1:]
			}

			faults.Unlock()

			if fault == "request" {
				panic(http.ErrAbortHandler)
			}

			rec := book.take(n, req)
			if fault == "answer" {
				panic(http.ErrAbortHandler)
			}

			rw.WriteHeader(rec.Code)
			_, _ = rw.Write(rec.Body.Bytes())

			return true
		})
	}

	for _, n := range w.nodes {
		arm(n)
	}

	one := func() *node {
		at := r.IntN(max(1, len(w.nodes)))
		for _, n := range w.nodes {
			if at == 0 {
				return n
			}

			at--
		}

		return nil
	}

	for range steps {
		c := w.program()
		c.base = doors[r.IntN(2)]

		switch n := one(); r.IntN(30) {
		case 0:
			// Killed, with all that it had.
			if n != nil && len(w.nodes) > 0 && uint64(killed) < steps/60 {
				killed++

				delete(w.nodes, n.endpoint.Pod)
				n.front.CloseClientConnections()
				n.Close()
				w.sync()
			}
		case 1:
			if len(w.nodes) < size {
				made++
				arm(w.add(fmt.Sprintf("server-%d", made)))
				w.sync()
			}
		case 2:
			if n != nil {
				n.endpoint.Ready = !n.endpoint.Ready
				w.sync()
			}
		case 3:
			if n != nil {
				n.endpoint.Draining = !n.endpoint.Draining
				w.sync()
			}
		case 4:
			faults.Lock()
			next = append(next, []string{"answer", "request"}[r.IntN(2)])
			faults.Unlock()
		case 5:
			// A front door is started anew, and remembers nothing.
			at := r.IntN(2)
			doors[at] = w.serve(net.join(w.open(), at))
		case 6:
			net.mu.Lock()
			net.cut = !net.cut
			net.mu.Unlock()
		default:
			own := ""
			if r.IntN(3) == 0 {
				own = fmt.Sprintf(`"prompt_id":"%08x-0000-4000-8000-%012x",`, r.Uint32(), r.Uint64N(1<<48))
			}

			body := strings.Replace(graph("p"), "{", "{"+own, 1)

			// Somebody who is in a hurry sends it to both at once.
			var twin sync.WaitGroup

			if own != "" && r.IntN(3) == 0 {
				both := w.program()
				both.base = doors[r.IntN(2)]

				twin.Go(func() { both.do(http.MethodPost, "/prompt", body) })
			}

			got := c.do(http.MethodPost, "/prompt", body)
			twin.Wait()

			if got.status == http.StatusOK {
				id, _ := got.json(t)["prompt_id"].(string)
				if accepted[id] {
					t.Errorf("%s was given twice", id)
				}

				accepted[id] = true

				// Somebody whose answer was lost on the way sends it again.
				if own != "" && r.IntN(3) == 0 {
					c.base = doors[r.IntN(2)]
					c.do(http.MethodPost, "/prompt", body)
				}
			}
		}
	}

	// All that are left are well again.
	if len(w.nodes) == 0 {
		arm(w.add("last"))
	}

	for _, n := range w.nodes {
		n.endpoint.Ready, n.endpoint.Draining = true, false
	}

	w.sync()

	lost, foreign := 0, 0

	for id := range accepted {
		end := settled(t, w, doors, id)

		switch end {
		case "lost":
			lost++
		case "unknown":
			// A client's own id says nothing of its server. One that is gone with its
			// server is unknown to all, and was taken by one that was killed.
			foreign++
		}
	}

	for id, n := range book.taken {
		if n > 1 {
			t.Errorf("%s was taken %d times", id, n)
		}
	}

	if killed == 0 && lost+foreign > 0 {
		t.Errorf("%d prompts are lost and no server was killed", lost+foreign)
	}

	t.Logf("%d accepted, %d lost, %d of clients' own ids gone with their servers, %d servers killed", len(accepted), lost, foreign, killed)
}

// settled asks both front doors until a prompt is over.
func settled(t *testing.T, w *world, doors []string, id string) string {
	t.Helper()

	ours := !strings.Contains(id, "-0000-4000-8000-")

	for i := 0; ; i++ {
		c := w.program()
		c.base = doors[i%2]

		got := c.do(http.MethodGet, "/history/"+id, "")
		if got.header.Get("X-Studio-Lost") != "" {
			return "lost"
		}

		if got.status == http.StatusOK && strings.Contains(got.body, `"success"`) {
			return "finished"
		}

		if got.status == http.StatusOK && !ours {
			if job := c.do(http.MethodGet, "/api/jobs/"+id, ""); job.status == http.StatusNotFound {
				return "unknown"
			}
		}

		time.Sleep(time.Millisecond)
	}
}
