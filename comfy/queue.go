package comfy

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

// A place is where a prompt is.
type place int

// Where prompts are.
const (
	nowhere place = iota
	waiting
	running
	over
)

// A Job is a prompt in the queue.
type Job struct {
	ID      string `json:"id"`
	Running bool   `json:"running"`
	Nodes   int    `json:"nodes"`
}

// Queue is what runs and what waits, in the order in which it will run.
func (c *Client) Queue(ctx context.Context) ([]Job, error) {
	var q struct {
		Running []queued `json:"queue_running"`
		Pending []queued `json:"queue_pending"`
	}
	if err := c.ask(ctx, http.MethodGet, "/api/queue", nil, &q); err != nil {
		return nil, err
	}

	out := []Job{}

	for _, j := range q.Running {
		out = append(out, Job{j.id, true, j.nodes})
	}

	// A server shows a heap, whose order is not that in which it takes from it.
	slices.SortStableFunc(q.Pending, func(a, b queued) int { return cmp.Compare(a.number, b.number) })

	for _, j := range q.Pending {
		out = append(out, Job{j.id, false, j.nodes})
	}

	return out, nil
}

// queued is a list of number, id, graph and more.
type queued struct {
	number float64
	id     string
	nodes  int
}

// UnmarshalJSON takes a list as short as it may be.
func (q *queued) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}

	var graph map[string]json.RawMessage

	for i, to := range []any{&q.number, &q.id, &graph} {
		if i >= len(parts) {
			break
		}

		if err := json.Unmarshal(parts[i], to); err != nil {
			return err
		}
	}

	q.nodes = len(graph)

	return nil
}

// Cancel stops a prompt, whether it waits or runs, and no other. It says whether
// there was something to stop.
func (c *Client) Cancel(ctx context.Context, id string) (bool, error) {
	at, _, err := c.whereabouts(ctx, id)
	if err != nil || (at != waiting && at != running) {
		return false, err
	}

	// One that waits may begin to run in between, so both are said. Neither does
	// anything to another prompt.
	err = c.ask(ctx, http.MethodPost, "/api/queue", map[string]any{"delete": []string{id}}, nil)
	if err != nil {
		return false, err
	}

	return true, c.ask(ctx, http.MethodPost, "/api/interrupt", map[string]any{"prompt_id": id}, nil)
}

// Remaining counts what waits and what runs. It is the least that a server can be
// asked for, and wakes none.
func (c *Client) Remaining(ctx context.Context) (int, error) {
	var out struct {
		Info struct {
			Remaining int `json:"queue_remaining"`
		} `json:"exec_info"`
	}

	err := c.ask(ctx, http.MethodGet, "/api/prompt", nil, &out)

	return out.Info.Remaining, err
}

// whereabouts finds a prompt, and its result if it is over. The queue is asked
// first: what has left it is in the history.
func (c *Client) whereabouts(ctx context.Context, id string) (place, *Result, error) {
	jobs, err := c.Queue(ctx)
	if err != nil {
		return nowhere, nil, err
	}

	for _, j := range jobs {
		switch {
		case j.ID == id && j.Running:
			return running, nil, nil
		case j.ID == id:
			return waiting, nil, nil
		}
	}

	r, err := c.Result(ctx, id)
	if err != nil || r == nil {
		return nowhere, nil, err
	}

	return over, r, nil
}

// Models lists the files that a server finds in one of its folders of models, such
// as checkpoints. It wakes no studio.
func (c *Client) Models(ctx context.Context, folder string) ([]string, error) {
	var out []string

	err := c.ask(ctx, http.MethodGet, "/api/models/"+url.PathEscape(folder), nil, &out)

	return out, err
}
