package comfy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

// flaky stands before a server and does what networks and load balancers do. What
// happens to a request is over before the client hears of it, so that no prompt is
// on its way while the client looks for it.
type flaky struct {
	next http.Handler

	mu     sync.Mutex
	random *rand.Rand
	// queued counts how often each id was taken.
	queued map[string]int
	faults [6]atomic.Int64
}

func (f *flaky) roll(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.random.IntN(n)
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ws" {
		f.faults[5].Add(1)
		f.next.ServeHTTP(&shortLived{w, f.roll(20)}, r)

		return
	}

	fault := f.roll(12)
	if fault < 5 {
		f.faults[fault].Add(1)
	}

	switch fault {
	case 0:
		panic(http.ErrAbortHandler)
	case 1:
		w.WriteHeader(http.StatusBadGateway)
		return
	}

	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}

	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	f.next.ServeHTTP(rec, r)
	f.count(r, rec, body)

	switch fault {
	case 2:
		w.WriteHeader(http.StatusBadGateway)
		return
	case 3:
		panic(http.ErrAbortHandler)
	}

	maps.Copy(w.Header(), rec.Header())

	out := rec.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(rec.Code)

	if fault == 4 {
		_, _ = w.Write(out[:len(out)/2])

		panic(http.ErrAbortHandler)
	}

	_, _ = w.Write(out)
}

func (f *flaky) count(r *http.Request, rec *httptest.ResponseRecorder, body []byte) {
	said := struct {
		ID string `json:"prompt_id"`
	}{}
	if r.Method != http.MethodPost || r.URL.Path != "/api/prompt" || rec.Code != http.StatusOK || json.Unmarshal(body, &said) != nil {
		return
	}

	f.mu.Lock()
	defer f.mu.Unlock()

	f.queued[said.ID]++
}

// shortLived is a socket that breaks after a number of writes.
type shortLived struct {
	http.ResponseWriter

	writes int
}

func (s *shortLived) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(s.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}

	broken := &brokenConn{Conn: conn, writes: s.writes}

	return broken, bufio.NewReadWriter(rw.Reader, bufio.NewWriter(broken)), nil
}

type brokenConn struct {
	net.Conn

	writes int
}

func (c *brokenConn) Write(b []byte) (int, error) {
	if c.writes--; c.writes < 0 {
		_ = c.Close()
		return 0, net.ErrClosed
	}

	return c.Conn.Write(b)
}

// TestFlaky: of a thousand prompts through a network that breaks all the time each
// runs once, and each result comes.
func TestFlaky(t *testing.T) {
	const prompts = 1000

	f := &flaky{random: rand.New(rand.NewPCG(1, 2)), queued: map[string]int{}}
	w := newWorld(t, comfytest.Options{}, func(next http.Handler) http.Handler {
		f.next = next
		return f
	})

	var (
		results [prompts]*Result
		g       errgroup.Group
	)

	g.SetLimit(16)

	for i := range prompts {
		g.Go(func() error {
			graph := graphOf(t, strings.ReplaceAll(slow, `"color": 7`, fmt.Sprintf(`"color": %d`, i)))
			if err := graph.Set("SaveImage.filename_prefix", fmt.Sprintf("p%04d", i)); err != nil {
				return err
			}

			r, err := w.client().Run(t.Context(), graph, Run{})
			results[i] = r

			return err
		})
	}

	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}

	for i, r := range results {
		if r.State != Succeeded || len(r.Kept()) != 1 || r.Kept()[0].Name != fmt.Sprintf("p%04d_00001_.png", i) || r.Kept()[0].Cached {
			t.Errorf("Prompt %d came to %+v", i, r)
		}
	}

	for id, n := range f.queued {
		if n != 1 {
			t.Errorf("%s was queued %d times", id, n)
		}
	}

	if n := w.outputs("*.png"); n != prompts || len(f.queued) != prompts {
		t.Errorf("%d prompts were queued and made %d files, of %d", len(f.queued), n, prompts)
	}

	for i := range f.faults {
		if f.faults[i].Load() < 100 {
			t.Errorf("Fault %d came %d times, too few to prove anything", i, f.faults[i].Load())
		}
	}
}
