// Package drain holds a ComfyUI server up that shall stop until its queue is
// empty. ComfyUI itself stops at once and loses what runs and what waits, for both
// are in its memory. So a pod runs this as its preStop hook, and is told to stop
// when it ends: when nothing is left, or when the time is over. What is lost then
// is said in the container's log and in its termination message, each prompt by
// its id.
package drain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// settled is how often in a row a queue must be found empty. A prompt may be on its
// way from the front door, which learns a moment later than the kubelet that the
// server shall stop.
const settled = 3

// maxMessage is how much of a termination message Kubernetes keeps.
const maxMessage = 4096

// A Drain is one server's.
type Drain struct {
	// Server is its address, http://127.0.0.1:8188.
	Server string
	// Limit is how long it may take.
	Limit time.Duration
	// Every is the time between two looks.
	Every time.Duration
	// Message is the file of the container's termination message.
	Message string
	Log     *slog.Logger
}

// LostError is the error of a drain that left prompts behind.
type LostError struct {
	// Prompts are the ids, what runs first. They are unknown where the server went
	// away by itself.
	Prompts []string
	Count   int
	Why     string
}

func (l *LostError) Error() string {
	ids := ""
	if len(l.Prompts) > 0 {
		ids = ": " + strings.Join(l.Prompts, ", ")
	}

	return fmt.Sprintf("%s: %d prompts are lost%s", l.Why, l.Count, ids)
}

// Run waits, and returns a LostError where it waited in vain.
func (d Drain) Run(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, d.Limit)
	defer stop()

	err := d.wait(ctx)
	if lost := (*LostError)(nil); errors.As(err, &lost) {
		d.Log.Error("prompts are lost", "why", lost.Why, "count", lost.Count, "prompts", lost.Prompts)
		d.tell(lost.Error())
	}

	return err
}

func (d Drain) wait(ctx context.Context) error {
	last, empty := -1, 0
	tick := time.NewTicker(d.Every)

	defer tick.Stop()

	for {
		n, err := d.remaining(ctx)

		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			// Nobody listens: it never did, or it ended with all that it had.
			return d.gone(last)
		case err != nil:
			// It is busy: it loads a model, or writes a picture.
			d.Log.Warn("the server does not answer", "error", err.Error())

			empty = 0
		case n > 0:
			if n != last {
				d.Log.Info("waiting for the queue", "prompts", n)
			}

			last, empty = n, 0
		default:
			last = 0
			empty++
		}

		if empty == settled {
			d.Log.Info("the queue is empty")
			return nil
		}

		select {
		case <-tick.C:
		case <-ctx.Done():
			return d.late(ctx, max(last, 0))
		}
	}
}

func (d Drain) gone(last int) error {
	if last <= 0 {
		d.Log.Info("nobody listens, so nothing is queued")
		return nil
	}

	return &LostError{Count: last, Why: "the server ended by itself"}
}

// late says what is left when the time is over.
func (d Drain) late(ctx context.Context, last int) error {
	// The time that the drain had is over, and this takes a moment more.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()

	lost := &LostError{Count: last, Why: fmt.Sprintf("the queue is not empty after %s", d.Limit)}

	ids, err := d.queue(ctx)
	if err != nil {
		d.Log.Warn("cannot read the queue", "error", err.Error())
	} else {
		lost.Prompts, lost.Count = ids, len(ids)
	}

	if lost.Count == 0 {
		// The last one ended just now.
		return nil
	}

	return lost
}

func (d Drain) remaining(ctx context.Context) (int, error) {
	got := struct {
		Info struct {
			Remaining *int `json:"queue_remaining"`
		} `json:"exec_info"`
	}{}
	if err := d.get(ctx, "/prompt", &got); err != nil {
		return 0, err
	}

	if got.Info.Remaining == nil {
		return 0, errors.New("cannot read the length of the queue: the answer has none")
	}

	return *got.Info.Remaining, nil
}

// queue are the ids of what runs and of what waits.
func (d Drain) queue(ctx context.Context) ([]string, error) {
	got := struct {
		Running [][]json.RawMessage `json:"queue_running"`
		Pending [][]json.RawMessage `json:"queue_pending"`
	}{}
	if err := d.get(ctx, "/queue", &got); err != nil {
		return nil, err
	}

	var out []string

	for _, p := range append(got.Running, got.Pending...) {
		id := ""
		// A number and then the id.
		if len(p) < 2 || json.Unmarshal(p[1], &id) != nil {
			return nil, errors.New("cannot read the queue: a prompt has no id")
		}

		out = append(out, id)
	}

	return out, nil
}

func (d Drain) get(ctx context.Context, path string, into any) error {
	ctx, stop := context.WithTimeout(ctx, 15*time.Second)
	defer stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(d.Server, "/")+path, nil)
	if err != nil {
		return fmt.Errorf("cannot ask the server: %w", err)
	}

	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("cannot ask the server: %w", err)
	}
	defer res.Body.Close()

	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("cannot ask the server: %s answers %s", path, res.Status)
	}

	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}

	return nil
}

// tell leaves the termination message. Kubernetes keeps the beginning of a long one.
func (d Drain) tell(text string) {
	if d.Message == "" {
		return
	}

	if len(text) > maxMessage {
		text = text[:maxMessage]
	}

	if err := os.WriteFile(d.Message, []byte(text), 0o644); err != nil {
		d.Log.Warn("cannot write the termination message", "error", err.Error())
	}
}
