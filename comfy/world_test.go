package comfy

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

// hurried is a client's timing that no test depends on.
func hurried() timing {
	return timing{
		pause: 5 * time.Millisecond, patience: time.Minute, answer: time.Minute,
		soonest: 5 * time.Millisecond, latest: 50 * time.Millisecond, greeting: time.Minute, ping: time.Second, silence: 30 * time.Millisecond,
	}
}

// A world is a server whose process can be another, and what stands before it.
type world struct {
	*testing.T

	url    string
	dir    string
	server atomic.Pointer[comfytest.Server]
}

// newWorld starts a server behind what wrap makes of it.
func newWorld(t *testing.T, o comfytest.Options, wrap func(http.Handler) http.Handler) *world {
	t.Helper()

	w := &world{T: t, dir: t.TempDir()}
	o.Directory = w.dir
	w.start(o)

	h := http.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.server.Load().ServeHTTP(rw, r) }))
	if wrap != nil {
		h = wrap(h)
	}

	s := httptest.NewServer(h)
	w.url = s.URL

	t.Cleanup(func() {
		w.server.Load().Close()
		s.CloseClientConnections()
		s.Close()
	})

	return w
}

func (w *world) start(o comfytest.Options) {
	w.Helper()

	s, err := comfytest.New(o)
	if err != nil {
		w.Fatal(err)
	}

	w.server.Store(s)
}

func (w *world) client(options ...Option) *Client {
	w.Helper()

	c, err := New(w.url, options...)
	if err != nil {
		w.Fatal(err)
	}

	c.timing = hurried()

	return c
}

func graphOf(t *testing.T, text string) Graph {
	t.Helper()

	g, err := ParseGraph([]byte(text))
	if err != nil {
		t.Fatal(err)
	}

	return g
}

// slow is a graph that tells of three steps and writes a file.
const slow = `{
	"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 7}},
	"2": {"class_type": "SlowTick", "inputs": {"image": ["1", 0], "steps": 3, "delay": 0}},
	"57:8": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "slow"}}
}`

type recording struct {
	Request struct {
		Prompt Graph  `json:"prompt"`
		ID     string `json:"prompt_id"`
	} `json:"request"`
	Status  int              `json:"status"`
	History map[string]entry `json:"history"`
}

func recordings(t *testing.T) map[string]recording {
	t.Helper()

	b, err := os.ReadFile("../internal/comfytest/testdata/recordings.json")
	if err != nil {
		t.Fatal(err)
	}

	all := struct {
		Recordings map[string]json.RawMessage `json:"recordings"`
	}{}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}

	out := map[string]recording{}

	for name, raw := range all.Recordings {
		r := recording{}
		// What is no scenario is an answer of another form.
		if json.Unmarshal(raw, &r) == nil && r.Request.ID != "" {
			out[name] = r
		}
	}

	return out
}
