package comfytest

import (
	"errors"
	"slices"
)

// A result is what a node made in an earlier run.
type result struct {
	made

	meta meta
}

// A run is one prompt being executed.
type run struct {
	server *Server
	prompt *prompt
	node   string

	entry  entry
	states map[string]map[string]any
	done   []string
	made   map[string]result
	failed bool
}

// work runs one prompt after the other until the server stops.
func (s *Server) work() {
	s.mu.Lock()
	defer s.mu.Unlock()

	for {
		for !s.stopped && (len(s.pending) == 0 || s.held) {
			s.changed.Wait()
		}

		if s.stopped {
			return
		}

		p := s.pending[0]
		s.pending = s.pending[1:]
		s.running, s.interrupted, s.clientID = p, false, p.clientID()
		s.tellRemaining()

		r := &run{server: s, prompt: p, states: map[string]map[string]any{}, made: map[string]result{}}
		r.execute()

		if s.stopped {
			// Nobody is told, and nothing is remembered.
			return
		}

		s.running, s.lastNode = nil, ""
		s.remember(p, r.entry)
		s.tellRemaining()

		if s.clientID != "" {
			s.tell(s.clientID, "executing", map[string]any{"node": nil, "prompt_id": p.id})
		}
	}
}

// execute runs a graph. The server is locked, but for the time that nodes take.
func (r *run) execute() {
	s, p := r.server, r.prompt
	r.entry = entry{Prompt: p.tuple(), Outputs: map[string]map[string]any{}, Meta: map[string]meta{}}
	cached := map[string]result{}

	for id := range p.graph {
		if c, ok := s.cache[p.graph.signature(id)]; ok {
			cached[id] = c
		}
	}

	r.message("execution_start", map[string]any{}, false)
	r.message("execution_cached", map[string]any{"nodes": sortedKeys(cached)}, false)

	for o := newOrder(p.graph, cached, p.outputs); !s.stopped; {
		id, ok := o.next()
		if !ok {
			break
		}

		if c, ok := cached[id]; ok {
			r.repeat(id, c)
		} else if !r.step(id, cached) {
			break
		}
	}

	if !r.failed && !s.stopped {
		r.message("execution_success", map[string]any{}, false)
	}

	r.entry.Status.Text, r.entry.Status.Completed = "success", !r.failed
	if r.failed {
		r.entry.Status.Text = "error"
	}
}

// repeat tells what an earlier run made. No file is written.
func (r *run) repeat(id string, c result) {
	if c.shown == nil {
		return
	}

	r.show(id, c)
	r.tell("executed", map[string]any{"node": id, "display_node": id, "output": c.shown, "prompt_id": r.prompt.id})
	r.state(id, 1, 1, "finished")
}

// step runs a node, and says whether the prompt goes on.
func (r *run) step(id string, cached map[string]result) bool {
	s, n := r.server, r.prompt.graph[id]
	r.node = id
	s.lastNode = id

	in := r.inputs(n, cached)

	r.state(id, 0.0, 1.0, "running")

	if r.prompt.clientID() != "" {
		r.tell("executing", map[string]any{"node": id, "display_node": id, "prompt_id": r.prompt.id})
	}

	for _, v := range in {
		if b, ok := v.(blocked); ok {
			return r.block(id, n, b)
		}
	}

	m, err := r.compute(n, in)
	if err != nil {
		r.fail(id, n, in, err)
		return false
	}

	res := result{m, meta{NodeID: id, DisplayNode: id, RealNodeID: id}}
	r.made[id] = res
	s.cache[r.prompt.graph.signature(id)] = res
	r.done = append(r.done, id)

	if m.shown != nil {
		r.show(id, res)
		r.tell("executed", map[string]any{"node": id, "display_node": id, "output": m.shown, "prompt_id": r.prompt.id})
	}

	r.state(id, r.reached(id), r.limit(id), "finished")

	return true
}

// inputs are a node's, with what they are linked to in place of links.
func (r *run) inputs(n node, cached map[string]result) values {
	out := values{}

	for name, v := range n.inputs {
		if l, ok := linkOf(v); ok {
			from, ok := r.made[l.from]
			if !ok {
				from = cached[l.from]
			}

			v = from.values[l.slot]
		}

		out[name] = v
	}

	return out
}

func (r *run) compute(n node, in values) (made, error) {
	if !r.pause(0) {
		return made{}, errInterrupted
	}

	return n.class.run(r, in)
}

// block passes a node by, and says so with the event of an error. The prompt goes
// on and succeeds.
func (r *run) block(id string, n node, b blocked) bool {
	r.tell("execution_error", map[string]any{
		"prompt_id": r.prompt.id, "node_id": id, "node_type": n.name, "executed": slices.Sorted(slices.Values(r.done)),
		"exception_message": "Execution Blocked: " + b.message, "exception_type": "ExecutionBlocked",
		"traceback": []string{}, "current_inputs": []string{}, "current_outputs": []string{},
	})

	out := make([]any, len(n.class.outputs))
	for i := range out {
		out[i] = blocked{b.message}
	}

	r.made[id] = result{made: made{values: out}}
	r.state(id, 1.0, 1.0, "finished")

	return true
}

func (r *run) fail(id string, n node, in values, err error) {
	r.failed = true
	done := slices.SortedFunc(slices.Values(r.done), byID)
	about := map[string]any{"node_id": id, "node_type": n.name, "executed": done}

	if done == nil {
		about["executed"] = []string{}
	}

	if errors.Is(err, errInterrupted) {
		r.message("execution_interrupted", about, true)
		return
	}

	f := failure{"Exception", err.Error()}
	_ = errors.As(err, &f)
	inputs := map[string]any{}

	for name, v := range in {
		inputs[name] = []string{described(v)}
	}

	about["exception_message"], about["exception_type"] = f.message, f.kind
	about["traceback"] = []string{"  File \"/comfyui/execution.py\", line 1, in execute\n"}
	about["current_inputs"], about["current_outputs"] = inputs, sortedKeys(r.prompt.graph)
	r.message("execution_error", about, false)
}

func (r *run) show(id string, c result) {
	r.entry.Outputs[id] = c.shown
	r.entry.Meta[id] = meta{NodeID: id, DisplayNode: id, RealNodeID: id}
}
