// Package servers knows the studio's ComfyUI servers: which there are, how much
// each has to do, and which one gets the next prompt. Servers are told apart by
// their pod and by how often it was started: an address may be another pod's a
// moment later, and a server that was started again has forgotten everything.
package servers

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
)

// An Endpoint is a server as the cluster shows it.
type Endpoint struct {
	UID      string
	Pod      string
	Pool     string
	Restarts int32
	// Addr is host:port.
	Addr string
	// Ready says that it may get new work. One that is not is still asked for what
	// it has: a server that loads a model is not ready for seconds.
	Ready bool
	// Leaving says that its pod was told to stop, and Draining that it will be: it
	// gets no new work.
	Leaving, Draining bool
}

// Tag stands for one run of the server.
func (e Endpoint) Tag() prompt.Tag {
	if e.Restarts == 0 {
		return prompt.TagOf(e.UID)
	}

	return prompt.TagOf(fmt.Sprintf("%s/%d", e.UID, e.Restarts))
}

// A Server is an endpoint, and what we know of it.
type Server struct {
	Endpoint

	Tag prompt.Tag
	// Queue is what it had to do when it was asked last, running prompts too, and
	// what was sent since.
	Queue int
	// Asked says that it has answered.
	Asked bool
	// Misses are questions in a row that it did not answer.
	Misses int
}

// missable is how many questions a server may leave unanswered before it gets no
// new work. It stands still for seconds while it loads a model.
const missable = 3

// Takes says that a server may get new work.
func (s Server) Takes() bool {
	return s.Ready && !s.Leaving && !s.Draining && s.Misses < missable
}

// Gone tells of a server that is no more.
type Gone struct {
	Pod    string
	At     time.Time
	Reason string
}

// remembered is how many servers that are gone are told of.
const remembered = 1024

// A Table is the servers that there are.
type Table struct {
	mu      sync.Mutex
	servers map[prompt.Tag]*entry
	gone    *lru.Cache[prompt.Tag, Gone]
	changed chan struct{}
	synced  bool
}

type entry struct {
	Server

	polled int
	sent   int
	asked  int
}

// NewTable has no servers.
func NewTable() *Table {
	gone, err := lru.New[prompt.Tag, Gone](remembered)
	if err != nil {
		// It fails for sizes below one only.
		panic(err)
	}

	return &Table{servers: map[prompt.Tag]*entry{}, gone: gone, changed: make(chan struct{})}
}

// Set takes what the cluster shows. What is not in it any more is gone.
func (t *Table) Set(all []Endpoint, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()

	seen := map[prompt.Tag]bool{}

	for _, e := range all {
		tag := e.Tag()
		seen[tag] = true

		if known := t.servers[tag]; known != nil {
			known.Endpoint = e
			continue
		}

		t.servers[tag] = &entry{Server: Server{Endpoint: e, Tag: tag}}
		t.gone.Remove(tag)
	}

	for tag, s := range t.servers {
		if !seen[tag] {
			t.gone.Add(tag, Gone{Pod: s.Pod, At: now, Reason: why(s, all)})
			delete(t.servers, tag)
		}
	}

	t.synced = true
	t.tell()
}

func why(s *entry, all []Endpoint) string {
	if slices.ContainsFunc(all, func(e Endpoint) bool { return e.UID == s.UID }) {
		return "the server was started again"
	}

	if s.Leaving || s.Draining {
		return "the server was stopped"
	}

	return "the server went away"
}

// Synced says that the cluster was seen once. Before that nothing is called gone.
func (t *Table) Synced() bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	return t.synced
}

// Changed is closed at the next change of anything that decides where work goes.
func (t *Table) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()

	return t.changed
}

func (t *Table) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// Find is the server with a tag.
func (t *Table) Find(tag prompt.Tag) (Server, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e := t.servers[tag]
	if e == nil {
		return Server{}, false
	}

	return e.server(), true
}

// Gone tells what became of a server.
func (t *Table) Gone(tag prompt.Tag) (Gone, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	return t.gone.Get(tag)
}

// All are the servers of a pool, or of all pools without one, by the names of
// their pods.
func (t *Table) All(pool string) []Server {
	t.mu.Lock()
	defer t.mu.Unlock()

	var out []Server

	for _, e := range t.servers {
		if pool == "" || e.Pool == pool {
			out = append(out, e.server())
		}
	}

	slices.SortFunc(out, func(a, b Server) int { return cmp.Or(cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Restarts, b.Restarts)) })

	return out
}

// Sent counts a prompt that a server got, until the server counts it itself.
func (t *Table) Sent(tag prompt.Tag) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if e := t.servers[tag]; e != nil {
		e.sent++
	}
}

// Asking says that a server is asked for its queue now.
func (t *Table) Asking(tag prompt.Tag) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if e := t.servers[tag]; e != nil {
		e.asked = e.sent
	}
}

// Answered takes what a server answered. Prompts that were sent after it was asked
// may not be counted in it.
func (t *Table) Answered(tag prompt.Tag, queue int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e := t.servers[tag]
	if e == nil {
		return
	}

	before := e.server()

	if err != nil {
		e.Misses++
	} else {
		e.Misses, e.Asked, e.polled = 0, true, queue
		e.sent -= e.asked
		e.asked = 0
	}

	if after := e.server(); before.Takes() != after.Takes() || before.Asked != after.Asked || before.Queue != after.Queue {
		t.tell()
	}
}

func (e *entry) server() Server {
	s := e.Server
	s.Queue = e.polled + e.sent

	return s
}
