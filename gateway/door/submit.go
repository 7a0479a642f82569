package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

const (
	// maxPrompt bounds what is read of a prompt before it is sent on.
	maxPrompt = 32 << 20
	// submitting is how long a server may take to queue a prompt.
	submitting = time.Minute
	// settling is how long it is asked what became of one.
	settling = 40 * time.Second
	again    = time.Second
	// dials is how many servers are tried that cannot be reached.
	dials = 3
)

// submit queues a prompt, once. It goes on when the client leaves: the prompt is
// probably queued, and a client that comes back with its id must find it.
func (d *Door) submit(w http.ResponseWriter, r *http.Request, who caller) {
	r = bounded(w, r, maxPrompt)

	b, err := io.ReadAll(r.Body)
	if err != nil {
		d.unread(w, r, err)
		return
	}

	body, err := prompt.Parse(b)
	if err != nil {
		refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}

	ctx, stop := context.WithTimeout(context.WithoutCancel(r.Context()), submitting+settling)
	defer stop()

	if body.ID != "" {
		// Somebody who sends a prompt again while it is on its way waits for it, at
		// whichever front door.
		end, err := d.turn(ctx, body.ID)
		if err != nil {
			d.Log.Warn("cannot tell whether another front door has a prompt", "prompt", body.ID, "error", err)
			w.Header().Set("Retry-After", "5")
			refuse(w, r, http.StatusServiceUnavailable, "The other front door may have the prompt and does not answer. Send it again with the same id.")

			return
		}
		defer end()
	}

	if body.ID != "" && d.known(ctx, w, r, body.ID) {
		return
	}

	d.queue(ctx, w, r, who, body)
}

func (d *Door) turn(ctx context.Context, id string) (func(), error) {
	if d.Peers == nil {
		return d.Hold(ctx, id)
	}

	return d.Peers.Turn(ctx, id, d.Hold)
}

func (d *Door) unread(w http.ResponseWriter, r *http.Request, err error) {
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		refuse(w, r, http.StatusRequestEntityTooLarge, "The prompt is too large.")
		return
	}

	refuse(w, r, http.StatusBadRequest, "The prompt did not come whole.")
}

// known answers for an id that somebody has had queued already. A server would
// queue it a second time.
func (d *Door) known(ctx context.Context, w http.ResponseWriter, r *http.Request, id string) bool {
	s, at, err := d.where(ctx, id)

	switch at {
	case queued, finished:
		accepted(w, s, id)
	case lost:
		d.sayLost(w, http.StatusConflict, id, s.Tag)
	case unclear:
		d.Log.Warn("cannot tell whether a prompt is known", "prompt", id, "error", err)
		w.Header().Set("Retry-After", "5")
		refuse(w, r, http.StatusServiceUnavailable, "A server that may have the prompt does not answer. Send it again with the same id.")
	case nowhere:
		return false
	}

	return true
}

// queue finds a server and has it take the prompt.
func (d *Door) queue(ctx context.Context, w http.ResponseWriter, r *http.Request, who caller, body *prompt.Body) {
	var tried []prompt.Tag

	for range dials {
		s, pool, ok := d.worker(ctx, w, r, who, body, tried)
		if !ok {
			if pool != "" && len(tried) == 0 {
				d.woken(w, r, pool)
			} else if pool != "" {
				d.wait(w, r, pool)
			}

			return
		}

		if n, full := d.full(ctx, who, s); full {
			w.Header().Set("Retry-After", "30")
			w.Header().Set("X-Studio-Queue", strconv.Itoa(n))
			refuse(w, r, http.StatusTooManyRequests, fmt.Sprintf("%d prompts wait already.", n))

			return
		}

		id := body.ID
		if id == "" {
			id = prompt.Mint(d.Secrets().Marks[0], s.Tag)
		}

		if d.give(ctx, w, r, who, s, id, body.With(id)) {
			return
		}

		tried = append(tried, s.Tag)
	}

	w.Header().Set("Retry-After", "5")
	refuse(w, r, http.StatusServiceUnavailable, "No server could be reached. The prompt was not queued.")
}

// worker is the server that gets a prompt. People's go where they work: its
// progress comes through that server's socket. So do those of a program that names
// a socket. Others go where the least is to do.
func (d *Door) worker(ctx context.Context, w http.ResponseWriter, r *http.Request, who caller, body *prompt.Body, tried []prompt.Tag) (servers.Server, string, bool) {
	if !who.Program && len(tried) == 0 {
		s, pool, ok := d.seat(w, r, who)
		if pool == "" {
			noPool(w, r)
		}

		if !ok && pool != "" {
			d.Waker.Wake(pool, "somebody queued a prompt")
		}

		return s, pool, ok
	}

	pool, ok := d.pool(r, "")
	if !ok {
		noPool(w, r)
		return servers.Server{}, "", false
	}

	choose := func() (servers.Server, bool) {
		if body.ClientID != "" {
			return d.Table.For(pool, socketName(who, body.ClientID), tried...)
		}

		return d.Table.Least(pool, tried...)
	}

	if s, ok := choose(); ok {
		return s, pool, true
	}

	if len(tried) == 0 {
		d.Waker.Wake(pool, "a program queued a prompt")
	}

	began := d.Now()
	s, ok := d.held(ctx, r, choose)

	if took := d.Now().Sub(began); d.Waited != nil && preferred(r.Header) > 0 {
		d.Waited(pool, ok, took)
	}

	return s, pool, ok
}

// held waits for a server as long as the client asked for, if it asked.
func (d *Door) held(ctx context.Context, r *http.Request, choose func() (servers.Server, bool)) (servers.Server, bool) {
	wait := preferred(r.Header)
	if wait == 0 {
		return servers.Server{}, false
	}

	ctx, stop := context.WithTimeout(ctx, wait)
	defer stop()

	for {
		changed := d.Table.Changed()
		if s, ok := choose(); ok {
			return s, true
		}

		select {
		case <-changed:
		case <-ctx.Done():
			return servers.Server{}, false
		case <-r.Context().Done():
			return servers.Server{}, false
		}
	}
}

// give has a server take a prompt, and answers. It returns false if the server was
// not reached at all, so that another may get it.
func (d *Door) give(ctx context.Context, w http.ResponseWriter, r *http.Request, who caller, s servers.Server, id string, b []byte) bool {
	d.Table.Sent(s.Tag)

	res, err := d.post(ctx, r, s, b)
	if err != nil && unreached(err) {
		d.Table.Answered(s.Tag, s.Queue, err)
		return false
	}

	if err == nil {
		if res.status == http.StatusOK {
			d.took(who, s, id)
		}

		w.Header().Set("X-Studio-Server", s.Tag.String())
		copyAnswer(w, res, d.Config().Edge.Encrypted)

		return true
	}

	d.Log.Warn("a server may or may not have queued a prompt", "server", s.Pod, "prompt", id, "error", err)
	d.took(who, s, id)
	d.settle(ctx, w, r, s, id, b)

	return true
}

// took remembers that a server has a prompt, or may have it. An id that no server
// has is free still: if it were remembered it would be called lost with its server.
func (d *Door) took(who caller, s servers.Server, id string) {
	d.users.queued(who.key(), id)

	if _, ours := prompt.Made(d.Secrets().Marks, id); !ours {
		d.found.Add(id, s.Tag)
	}
}

// preferred is how long a client would rather wait: Prefer of RFC 7240. No longer
// than what stands between keeps a silent connection open.
func preferred(h http.Header) time.Duration {
	const longest = 50 * time.Second

	for _, line := range h.Values("Prefer") {
		var seconds int
		if n, err := fmt.Sscanf(line, "wait=%d", &seconds); n == 1 && err == nil && seconds > 0 {
			return min(time.Duration(min(seconds, 3600))*time.Second, longest)
		}
	}

	return 0
}
