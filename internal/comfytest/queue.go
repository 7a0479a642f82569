package comfytest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// historyLimit is how many prompts a server remembers.
const historyLimit = 10000

// A prompt is a graph in the queue.
type prompt struct {
	number  float64
	written any
	id      string
	graph   graph
	raw     map[string]any
	extra   map[string]any
	outputs []string
}

func (p *prompt) clientID() string {
	id, _ := p.extra["client_id"].(string)
	return id
}

// tuple is how the interface shows a prompt.
func (p *prompt) tuple() []any { return []any{p.written, p.id, p.raw, p.extra, p.outputs} }

// An entry is what became of a prompt.
type entry struct {
	Prompt  []any                     `json:"prompt"`
	Outputs map[string]map[string]any `json:"outputs"`
	Status  status                    `json:"status"`
	Meta    map[string]meta           `json:"meta"`
}

type status struct {
	Text      string  `json:"status_str"`
	Completed bool    `json:"completed"`
	Messages  [][]any `json:"messages"`
}

type meta struct {
	NodeID      string  `json:"node_id"`
	DisplayNode string  `json:"display_node"`
	ParentNode  *string `json:"parent_node"`
	RealNodeID  string  `json:"real_node_id"`
}

// put queues a prompt: the lowest number first, then who came first.
func (s *Server) put(p *prompt) {
	at, _ := slices.BinarySearchFunc(s.pending, p, func(a, b *prompt) int {
		if a.number <= b.number {
			return -1
		}

		return 1
	})
	s.pending = slices.Insert(s.pending, at, p)
	s.tellRemaining()
	s.changed.Broadcast()
}

// remaining counts what waits and what runs.
func (s *Server) remaining() int {
	n := len(s.pending)
	if s.running != nil {
		n++
	}

	return n
}

func (s *Server) remember(p *prompt, e entry) {
	if _, ok := s.history[p.id]; !ok {
		s.finished = append(s.finished, p.id)
	}

	s.history[p.id] = e
	for len(s.finished) > historyLimit {
		s.forget(s.finished[0])
	}
}

func (s *Server) forget(id string) {
	delete(s.history, id)
	s.finished = slices.DeleteFunc(s.finished, func(f string) bool { return f == id })
}

func (s *Server) getQueue(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()

	running, pending := [][]any{}, [][]any{}
	if s.running != nil {
		running = append(running, s.running.tuple())
	}

	for _, p := range s.pending {
		pending = append(pending, p.tuple())
	}

	answer(w, http.StatusOK, map[string]any{"queue_running": running, "queue_pending": pending})
}

func (s *Server) postQueue(w http.ResponseWriter, r *http.Request) {
	body, ok := object(w, r)
	if !ok {
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	if truthy(body["clear"]) {
		s.pending = nil
		s.tellRemaining()
	}

	// What runs is not in the queue any more, and what was never there is no error.
	for _, id := range stringsOf(body["delete"]) {
		s.dequeue(id)
	}
}

func (s *Server) dequeue(id string) bool {
	before := len(s.pending)
	s.pending = slices.DeleteFunc(s.pending, func(p *prompt) bool { return p.id == id })

	if len(s.pending) == before {
		return false
	}

	s.tellRemaining()

	return true
}

// postInterrupt stops what runs. Without a body it stops anybody's.
func (s *Server) postInterrupt(_ http.ResponseWriter, r *http.Request) {
	body, err := decode(r.Body)
	if err != nil {
		body = nil
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	if id, ok := body["prompt_id"].(string); !ok || id == "" || (s.running != nil && s.running.id == id) {
		s.interrupt()
	}
}

func (s *Server) interrupt() {
	s.interrupted = true
	s.changed.Broadcast()
}

func (s *Server) postFree(w http.ResponseWriter, r *http.Request) {
	body, ok := object(w, r)
	if !ok {
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	if truthy(body["unload_models"]) || truthy(body["free_memory"]) {
		s.freed++
	}

	if truthy(body["free_memory"]) {
		s.cache = map[string]result{}
	}
}

func (s *Server) getHistory(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()

	ids := s.finished
	if n, err := strconv.Atoi(r.URL.Query().Get("max_items")); err == nil {
		from := max(0, len(ids)-n)
		if offset, err := strconv.Atoi(r.URL.Query().Get("offset")); err == nil && offset >= 0 {
			from = min(offset, len(ids))
		}

		ids = ids[from:min(len(ids), from+n)]
	}

	out := map[string]entry{}
	for _, id := range ids {
		out[id] = s.history[id]
	}

	answer(w, http.StatusOK, out)
}

// getHistoryOf tells nothing of what waits and of what runs, and calls it no error.
func (s *Server) getHistoryOf(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()

	out := map[string]entry{}
	if e, ok := s.history[r.PathValue("id")]; ok {
		out[r.PathValue("id")] = e
	}

	answer(w, http.StatusOK, out)
}

func (s *Server) postHistory(w http.ResponseWriter, r *http.Request) {
	body, ok := object(w, r)
	if !ok {
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	if truthy(body["clear"]) {
		s.history, s.finished = map[string]entry{}, nil
	}

	for _, id := range stringsOf(body["delete"]) {
		s.forget(id)
	}
}

// truthy is what Python takes for true.
func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}

	return false
}

func stringsOf(v any) []string {
	all, _ := v.([]any)

	var out []string

	for _, e := range all {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}

	return out
}
