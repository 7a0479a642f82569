package comfy

import "encoding/json"

// An EventKind is what an event tells.
type EventKind string

// What events tell. All are for show: what counts is the result.
const (
	// Started says that the prompt began to run.
	Started EventKind = "started"
	// Reused names nodes that do not run, since they gave the same before.
	Reused EventKind = "reused"
	// Executing names the node that runs now.
	Executing EventKind = "executing"
	// Progress says how far a node is.
	Progress EventKind = "progress"
	// Executed names a node that gave something.
	Executed EventKind = "executed"
	// Preview is a picture of what is half done.
	Preview EventKind = "preview"
	// Remaining counts what the server has to do, the prompt among it.
	Remaining EventKind = "remaining"
	// Disconnected says that events are missed from now on. The prompt goes on.
	Disconnected EventKind = "disconnected"
)

// An Event is what a server told of a prompt while it ran.
type Event struct {
	Kind EventKind
	Node string
	// Value of Max steps are done.
	Value, Max float64
	// Nodes are those that a Reused is of.
	Nodes []string
	// Remaining is what the server has to do.
	Remaining int
	Image     []byte
}

// message is a frame of text.
type message struct {
	Type string `json:"type"`
	Data struct {
		ID    string   `json:"prompt_id"`
		Node  *string  `json:"node"`
		Nodes names    `json:"nodes"`
		Value *float64 `json:"value"`
		Max   *float64 `json:"max"`

		Status struct {
			Info struct {
				Remaining int `json:"queue_remaining"`
			} `json:"exec_info"`
		} `json:"status"`
	} `json:"data"`
}

// names is a list of nodes, or a map of their states, which is not read.
type names []string

// UnmarshalJSON takes both.
func (n *names) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) == nil {
		*n = list
	}

	return nil
}

func (m message) event() (Event, bool) {
	d := m.Data
	out := Event{Nodes: d.Nodes, Remaining: d.Status.Info.Remaining}

	if d.Node != nil {
		out.Node = *d.Node
	}

	if d.Value != nil && d.Max != nil {
		out.Value, out.Max = *d.Value, *d.Max
	}

	switch m.Type {
	case "status":
		out.Kind = Remaining
	case "execution_start":
		out.Kind = Started
	case "execution_cached":
		out.Kind = Reused
	case string(Executing):
		out.Kind = Executing
		return out, d.Node != nil
	case "progress":
		out.Kind = Progress
	case "executed":
		out.Kind = Executed
	default:
		return out, false
	}

	return out, true
}

// ends says that the history may have the result now. An error does not end a prompt
// for sure: one that a node blocked goes on.
func (m message) ends() bool {
	switch m.Type {
	case string(Executing):
		return m.Data.Node == nil
	case "execution_success", "execution_error", "execution_interrupted":
		return true
	}

	return false
}
