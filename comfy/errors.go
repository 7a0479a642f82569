package comfy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

var (
	// ErrUnauthorized is of a token that is missing or wrong.
	ErrUnauthorized = errors.New("the studio wants a token that it knows")
	// ErrLost is of a prompt that was queued, and that nobody knows any more.
	ErrLost = errors.New("the prompt is lost: its server restarted or went away, and it was not finished")
)

// A RefusedError is why a server did not queue a prompt.
type RefusedError struct {
	Reason

	// Nodes says what is wrong with each node.
	Nodes NodeErrors
}

// Error tells each fault of each node.
func (r *RefusedError) Error() string {
	if lines := r.Nodes.Lines(); len(lines) > 0 {
		return "the workflow is refused:\n  " + strings.Join(lines, "\n  ")
	}

	out := "the workflow is refused: " + strings.TrimSuffix(r.Message, ".")
	if r.Details != "" && !strings.Contains(r.Message, r.Details) {
		out += " (" + r.Details + ")"
	}

	if r.Type == "missing_node_type" || (r.Type == "invalid_prompt" && strings.Contains(r.Message, "does not exist")) {
		out += ": the studio's image lacks the custom node"
	}

	return out
}

// A Reason is one fault, as ComfyUI writes it.
type Reason struct {
	Type    string          `json:"type"`
	Message string          `json:"message"`
	Details string          `json:"details"`
	Extra   json.RawMessage `json:"extra_info"`
}

// NodeErrors are the faults of nodes, by the nodes' ids.
type NodeErrors map[string]NodeError

// A NodeError is what is wrong with one node.
type NodeError struct {
	Class string `json:"class_type"`
	// Outputs are the nodes that give nothing because of it.
	Outputs []string `json:"dependent_outputs"`
	Errors  []Reason `json:"errors"`
}

// UnmarshalJSON takes the empty list, which old servers send for none.
func (n *NodeErrors) UnmarshalJSON(b []byte) error {
	out := map[string]NodeError{}
	if string(b) != "[]" {
		if err := json.Unmarshal(b, &out); err != nil {
			return err
		}
	}

	*n = out

	return nil
}

// Lines tell which node has what fault at which input, and what it takes instead.
func (n NodeErrors) Lines() []string {
	var out []string

	for _, id := range slices.Sorted(maps.Keys(n)) {
		for _, e := range n[id].Errors {
			out = append(out, fmt.Sprintf("node %s (%s): %s", id, n[id].Class, e.line()))
		}
	}

	return out
}

// line is made of what is known: a server's own message is often no more than the
// kind of fault.
func (r Reason) line() string {
	extra := struct {
		Name     string          `json:"input_name"`
		Received json.RawMessage `json:"received_value"`
		Config   json.RawMessage `json:"input_config"`
	}{}
	// What is not there is not told.
	_ = json.Unmarshal(r.Extra, &extra)

	input, got := "input "+extra.Name, string(extra.Received)
	limits := limitsOf(extra.Config)

	switch r.Type {
	case "value_not_in_list":
		out := fmt.Sprintf("%s is %s, which is not there", input, got)
		if len(limits.options) > 0 {
			return out + ": use one of " + strings.Join(limits.options, ", ")
		}

		return out + ": if it is a model, push it to the studio (" + r.Details + ")"
	case "required_input_missing":
		return input + " is missing"
	case "value_smaller_than_min":
		return fmt.Sprintf("%s is %s, and must be at least %s", input, got, limits.least)
	case "value_bigger_than_max":
		return fmt.Sprintf("%s is %s, and must be at most %s", input, got, limits.most)
	case "exception_during_validation":
		return strings.TrimSpace(r.Message+" "+r.Details) + ": is a node missing that it is linked to?"
	}

	if r.Details == "" {
		return r.Message
	}

	return r.Message + ": " + r.Details
}

type limits struct {
	options     []string
	least, most string
}

// limitsOf reads what a server says about an input: a list of its type, or of its
// options, and of more about it.
func limitsOf(raw json.RawMessage) (out limits) {
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 {
		return out
	}

	var options []any
	if json.Unmarshal(parts[0], &options) == nil {
		for _, o := range options {
			out.options = append(out.options, fmt.Sprint(o))
		}
	}

	if len(parts) > 1 {
		about := struct {
			Options []any       `json:"options"`
			Min     json.Number `json:"min"`
			Max     json.Number `json:"max"`
		}{}
		// A node of somebody's own may say anything here.
		_ = json.Unmarshal(parts[1], &about)

		for _, o := range about.Options {
			out.options = append(out.options, fmt.Sprint(o))
		}

		out.least, out.most = about.Min.String(), about.Max.String()
	}

	return out
}

// refused is the error of an answer that is none.
func refused(a answer) error {
	switch {
	case a.status == http.StatusUnauthorized, a.status >= 300 && a.status < 400:
		return ErrUnauthorized
	case a.status == http.StatusForbidden:
		return errors.New("the studio forbids it (403)")
	}

	// The front door says what is wrong in a text of its own, or as ComfyUI would.
	said := struct {
		Error json.RawMessage `json:"error"`
	}{}
	_ = json.Unmarshal(a.body, &said)

	var (
		text   string
		reason Reason
	)

	switch {
	case json.Unmarshal(said.Error, &text) == nil && text != "":
	case json.Unmarshal(said.Error, &reason) == nil && reason.Message != "":
		text = reason.Message
	default:
		text = http.StatusText(a.status)
	}

	return fmt.Errorf("it answers %d: %s", a.status, text)
}
