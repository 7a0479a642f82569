package comfytest

import (
	"strings"
	"time"
)

// message is an event that history keeps.
func (r *run) message(kind string, data map[string]any, everybody bool) {
	data["prompt_id"], data["timestamp"] = r.prompt.id, timestamp()
	r.entry.Status.Messages = append(r.entry.Status.Messages, []any{kind, data})

	if r.prompt.clientID() != "" || everybody {
		r.tell(kind, data)
	}
}

// tell tells the client of the prompt; everybody where it has none.
func (r *run) tell(kind string, data any) { r.server.tell(r.prompt.clientID(), kind, data) }

// state tells how far all nodes are.
func (r *run) state(id string, value, limit any, state string) {
	r.states[id] = map[string]any{
		"value": value, "max": limit, "state": state, "node_id": id, "prompt_id": r.prompt.id,
		"display_node_id": id, "parent_node_id": nil, "real_node_id": id,
	}
	r.tell("progress_state", map[string]any{"prompt_id": r.prompt.id, "nodes": r.states})
}

// progress tells how far the node is that runs.
func (r *run) progress(value, limit int) {
	r.state(r.node, value, limit, "running")
	r.tell("progress", map[string]any{"value": value, "max": limit, "prompt_id": r.prompt.id, "node": r.node})

	if value == r.server.holdAt {
		r.server.held = true
		r.server.changed.Broadcast()
	}

	if method, ok := r.prompt.extra["preview_method"].(string); ok && !strings.EqualFold(method, "none") {
		r.server.tellPreview(r.prompt.clientID(), r.prompt.id, r.node, onePixel)
	}
}

func (r *run) reached(id string) any { return finished(r.states[id]["value"], r.states[id]["max"]) }
func (r *run) limit(id string) any   { return r.states[id]["max"] }

// finished is the whole of a node that told no steps, and what it told of another.
func finished(value, limit any) any {
	if value == 0.0 {
		return limit
	}

	return value
}

// pause waits, and says whether the prompt goes on after it.
func (r *run) pause(d time.Duration) bool {
	s := r.server

	if d > 0 {
		over := false
		t := time.AfterFunc(d, func() { s.set(func() { over = true }) })

		for !over && !s.interrupted && !s.stopped {
			s.changed.Wait()
		}

		t.Stop()
	}

	for s.held && !s.interrupted && !s.stopped {
		s.changed.Wait()
	}

	return !s.interrupted && !s.stopped
}
