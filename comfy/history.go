package comfy

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A State is how a prompt ended.
type State string

// How prompts end.
const (
	Succeeded   State = "succeeded"
	Failed      State = "failed"
	Interrupted State = "interrupted"
)

// A Result is what became of a prompt.
type Result struct {
	ID    string
	State State
	// Files and Texts are what nodes gave, of a prompt that failed too.
	Files []File
	Texts []Text
	// Cached are the nodes that did not run, since they gave the same before.
	Cached []string
	// Dropped are faults of nodes that kept some outputs from being run at all.
	Dropped NodeErrors
	// Failure is why the prompt failed.
	Failure *ExecutionError
	// Took is how long it ran, as the server tells.
	Took time.Duration
}

// A File is one that a node wrote.
type File struct {
	Node string `json:"node"`
	// Kind is what the node calls it: images, gifs, audio, 3d or a name of its own.
	Kind      string `json:"kind"`
	Name      string `json:"filename"`
	Subfolder string `json:"subfolder"`
	// Type is output, or temp for what is gone when the server restarts.
	Type string `json:"type"`
	// Cached says that an earlier prompt made the file, and this one did not.
	Cached bool `json:"cached"`
}

// A Text is what a node gave that is no file.
type Text struct {
	Node string `json:"node"`
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// An ExecutionError is what stopped a prompt.
type ExecutionError struct {
	Node    string `json:"node_id"`
	Class   string `json:"node_type"`
	Message string `json:"exception_message"`
	Type    string `json:"exception_type"`
}

// Error tells where it happened, and what.
func (f *ExecutionError) Error() string {
	text := strings.TrimSpace(f.Message)
	if f.Type != "" && f.Type != "ServerGone" {
		text = f.Type + ": " + text
	}

	if f.Node == "" {
		return "the workflow failed: " + text
	}

	return "the workflow failed at node " + f.Node + " (" + f.Class + "): " + text
}

// Err is why a prompt did not succeed.
func (r *Result) Err() error {
	switch {
	case r.State == Succeeded:
		return nil
	case r.State == Interrupted:
		return errors.New("the prompt was cancelled")
	case r.Failure != nil && r.Failure.Type == "ServerGone":
		return ErrLost
	case r.Failure != nil:
		return r.Failure
	}

	return errors.New("the workflow failed, and the server does not say why")
}

// Kept are the files that stay: previews are wiped when a server restarts.
func (r *Result) Kept() []File {
	return slices.DeleteFunc(slices.Clone(r.Files), func(f File) bool { return f.Type != "output" })
}

// entry is what a server remembers of a prompt.
type entry struct {
	Outputs map[string]map[string]json.RawMessage `json:"outputs"`
	Status  struct {
		Text     string               `json:"status_str"`
		Messages [][2]json.RawMessage `json:"messages"`
	} `json:"status"`
}

// Result is what became of a prompt, or nil if it is not over or not known.
func (c *Client) Result(ctx context.Context, id string) (*Result, error) {
	var all map[string]entry
	if err := c.ask(ctx, http.MethodGet, "/api/history/"+id, nil, &all); err != nil {
		return nil, err
	}

	e, ok := all[id]
	if !ok {
		return nil, nil //nolint:nilnil // It is not there, which is no error.
	}

	return e.result(id), nil
}

func (e entry) result(id string) *Result {
	r := &Result{ID: id, State: Failed}
	if e.Status.Text == "success" {
		r.State = Succeeded
	}

	var first, last int64

	for _, m := range e.Status.Messages {
		var kind string

		about := struct {
			ExecutionError

			Time  int64    `json:"timestamp"`
			Nodes []string `json:"nodes"`
		}{}
		// A custom node may add messages of its own.
		if json.Unmarshal(m[0], &kind) != nil || json.Unmarshal(m[1], &about) != nil {
			continue
		}

		if first == 0 {
			first = about.Time
		}

		last = max(last, about.Time)

		switch kind {
		case "execution_cached":
			r.Cached = about.Nodes
		case "execution_error":
			r.Failure = &about.ExecutionError
		case "execution_interrupted":
			r.State = Interrupted
		}
	}

	// A node that was blocked is an error in the messages of a prompt that succeeds.
	if r.State == Succeeded {
		r.Failure = nil
	}

	r.Took = time.Duration(last-first) * time.Millisecond
	e.outputs(r)

	return r
}

// outputs takes all that nodes gave, whatever they call it.
func (e entry) outputs(r *Result) {
	for _, node := range slices.Sorted(maps.Keys(e.Outputs)) {
		for _, kind := range slices.Sorted(maps.Keys(e.Outputs[node])) {
			var items []json.RawMessage
			if json.Unmarshal(e.Outputs[node][kind], &items) != nil {
				continue
			}

			for _, raw := range items {
				f := File{}
				if json.Unmarshal(raw, &f) == nil && f.Name != "" {
					f.Node, f.Kind, f.Cached = node, kind, slices.Contains(r.Cached, node)
					r.Files = append(r.Files, f)

					continue
				}

				var text string
				if json.Unmarshal(raw, &text) == nil {
					r.Texts = append(r.Texts, Text{node, kind, text})
				}
			}
		}
	}
}
