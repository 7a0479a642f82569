package door

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

const (
	// asking is how long a server may take for one of our own questions. It stands
	// still for seconds while it loads a model.
	asking = 20 * time.Second
	// largestAnswer bounds what is read of one: a queue carries whole graphs.
	largestAnswer = 64 << 20
	// remembered is how many ids of others we know the server of.
	remembered = 8192
)

// found remembers where ids are that are not ours.
type found struct{ *lru.Cache[string, prompt.Tag] }

func newFound() *found {
	c, err := lru.New[string, prompt.Tag](remembered)
	if err != nil {
		// It fails for sizes below one only.
		panic(err)
	}

	return &found{c}
}

// A place is where a prompt is.
type place int

const (
	nowhere place = iota
	// queued is waiting or running, finished is in the history.
	queued
	finished
	// lost was taken by a server that is gone.
	lost
	// unclear is on a server that does not answer.
	unclear
)

// where finds a prompt. An id of ours names its server; others are asked for
// everywhere.
func (d *Door) where(ctx context.Context, id string) (servers.Server, place, error) {
	tag, ours := prompt.Made(d.Secrets().Marks, id)
	if !ours {
		if known, ok := d.found.Get(id); ok {
			tag, ours = known, true
		}
	}

	if !ours {
		return d.everywhere(ctx, id)
	}

	s, ok := d.Table.Find(tag)
	if !ok && d.Table.Synced() {
		return servers.Server{Tag: tag}, lost, nil
	}

	if !ok {
		return servers.Server{Tag: tag}, unclear, errors.New("cannot tell which servers there are yet")
	}

	at, err := d.has(ctx, s, id)

	return s, at, err
}

// everywhere asks all servers for an id. With one that does not answer it is not
// said that nobody has it.
func (d *Door) everywhere(ctx context.Context, id string) (servers.Server, place, error) {
	type result struct {
		server servers.Server
		at     place
		err    error
	}

	all := d.Table.All("")
	results := make([]result, len(all))

	var wg sync.WaitGroup

	for i, s := range all {
		wg.Go(func() {
			at, err := d.has(ctx, s, id)
			results[i] = result{s, at, err}
		})
	}

	wg.Wait()

	var errs []error

	for _, r := range results {
		if r.at == queued || r.at == finished {
			d.found.Add(id, r.server.Tag)
			return r.server, r.at, nil
		}

		errs = append(errs, r.err)
	}

	if err := errors.Join(errs...); err != nil {
		return servers.Server{}, unclear, err
	}

	return servers.Server{}, nowhere, nil
}

// has asks a server for an id. The history alone is no answer: it is as empty for
// what waits as for what was never there.
func (d *Door) has(ctx context.Context, s servers.Server, id string) (place, error) {
	status, b, err := d.get(ctx, s, "/api/jobs/"+url.PathEscape(id))
	if err != nil {
		return unclear, err
	}

	var job struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}

	switch {
	case status == http.StatusOK && json.Unmarshal(b, &job) == nil && job.ID == id:
		if job.Status == "pending" || job.Status == "in_progress" {
			return queued, nil
		}

		return finished, nil
	case status == http.StatusNotFound && bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")):
		return nowhere, nil
	}

	// Older releases have no jobs.
	return d.hasOld(ctx, s, id)
}

func (d *Door) hasOld(ctx context.Context, s servers.Server, id string) (place, error) {
	// The queue first: what ends between the two questions is in the history then.
	_, b, err := d.get(ctx, s, "/queue")
	if err != nil {
		return unclear, err
	}

	ids, err := idsOf(b)
	if err != nil {
		return unclear, fmt.Errorf("cannot read the queue of %s: %w", s.Pod, err)
	}

	if slices.Contains(ids, id) {
		return queued, nil
	}

	_, b, err = d.get(ctx, s, "/history/"+url.PathEscape(id))
	if err != nil {
		return unclear, err
	}

	var history map[string]json.RawMessage
	if err := json.Unmarshal(b, &history); err != nil {
		return unclear, fmt.Errorf("cannot read the history of %s: %w", s.Pod, err)
	}

	if _, ok := history[id]; ok {
		return finished, nil
	}

	return nowhere, nil
}

// queueAnswer is what /queue answers.
type queueAnswer struct {
	Running []json.RawMessage `json:"queue_running"`
	Pending []json.RawMessage `json:"queue_pending"`
}

func idsOf(b []byte) ([]string, error) {
	var q queueAnswer
	if err := json.Unmarshal(b, &q); err != nil {
		return nil, err
	}

	var out []string

	for _, raw := range slices.Concat(q.Running, q.Pending) {
		var tuple []json.RawMessage
		if err := json.Unmarshal(raw, &tuple); err != nil || len(tuple) < 2 {
			continue
		}

		var id string
		if json.Unmarshal(tuple[1], &id) == nil {
			out = append(out, id)
		}
	}

	return out, nil
}

// get asks a server a question of our own.
func (d *Door) get(ctx context.Context, s servers.Server, path string) (int, []byte, error) {
	return d.call(ctx, s, http.MethodGet, path, nil)
}

func (d *Door) call(ctx context.Context, s servers.Server, method, path string, body []byte) (int, []byte, error) {
	ctx, stop := context.WithTimeout(ctx, asking)
	defer stop()

	//nolint:gosec // As below.
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.Addr+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}

	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}

	// With it Go's transport may send a second time what the server has read.
	req.GetBody = nil

	res, err := d.client.Do(req) //nolint:gosec // The address is of the cluster, and the id in the path is escaped.
	if err != nil {
		return 0, nil, fmt.Errorf("cannot ask %s: %w", s.Pod, err)
	}
	defer res.Body.Close()

	b, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("cannot read the answer of %s: %w", s.Pod, err)
	}

	return res.StatusCode, b, nil
}
