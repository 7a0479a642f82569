package door

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/header"
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
		// Somebody who sends a prompt again while it is on its way waits for it.
		defer d.ids.lock(body.ID)()
	}

	if body.ID != "" && d.known(ctx, w, r, body.ID) {
		return
	}

	d.queue(ctx, w, r, who, body)
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
			if pool != "" {
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
		} else {
			d.found.Add(id, s.Tag)
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
			refuse(w, r, http.StatusNotFound, "The studio has no such pool.")
		}

		if !ok && pool != "" {
			d.Waker.Wake(pool, "somebody queued a prompt")
		}

		return s, pool, ok
	}

	pool, ok := d.pool(r, "")
	if !ok {
		refuse(w, r, http.StatusNotFound, "The studio has no such pool.")
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

	s, ok := d.held(ctx, r, choose)

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
			d.users.queued(who.key(), id)
		}

		w.Header().Set("X-Studio-Server", s.Tag.String())
		copyAnswer(w, res, d.Config().Edge.Encrypted)

		return true
	}

	d.Log.Warn("a server may or may not have queued a prompt", "server", s.Pod, "prompt", id, "error", err)
	d.settle(ctx, w, r, who, s, id, b)

	return true
}

type posted struct {
	status int
	header http.Header
	body   []byte
}

func (d *Door) post(ctx context.Context, r *http.Request, s servers.Server, b []byte) (posted, error) {
	ctx, stop := context.WithTimeout(ctx, submitting)
	defer stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr+"/prompt", bytes.NewReader(b))
	if err != nil {
		return posted{}, err
	}

	req.Header.Set("Content-Type", "application/json")

	if agent := r.Header.Get("User-Agent"); agent != "" {
		req.Header.Set("User-Agent", agent)
	}

	// With it Go's transport sends again what a server has read already.
	req.GetBody = nil

	res, err := d.client.Do(req)
	if err != nil {
		return posted{}, err
	}
	defer res.Body.Close()

	out, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))

	return posted{res.StatusCode, res.Header, out}, err
}

// unreached says that nothing of a request was sent.
func unreached(err error) bool {
	op := (*net.OpError)(nil)
	return errors.As(err, &op) && op.Op == "dial"
}

// settle finds out what became of a prompt: from that server, since no other has
// it. It is sent again only when the server has said twice, a moment apart, that it
// does not know it: what was on its way then has come or never will.
func (d *Door) settle(ctx context.Context, w http.ResponseWriter, r *http.Request, who caller, s servers.Server, id string, b []byte) {
	ctx, stop := context.WithTimeout(ctx, settling)
	defer stop()

	unknown := 0

	for {
		if _, there := d.Table.Find(s.Tag); !there {
			d.sayLost(w, http.StatusBadGateway, id, s.Tag)
			return
		}

		switch at, err := d.has(ctx, s, id); {
		case err != nil:
			unknown = 0
		case at == nowhere:
			unknown++
		default:
			d.users.queued(who.key(), id)
			accepted(w, s, id)

			return
		}

		if unknown == 2 {
			d.resend(ctx, w, r, who, s, id, b)
			return
		}

		select {
		case <-ctx.Done():
			d.sayUnclear(w, id)
			return
		case <-time.After(again):
		}
	}
}

// resend sends a prompt that was not queued once more, and does not guess again.
func (d *Door) resend(ctx context.Context, w http.ResponseWriter, r *http.Request, who caller, s servers.Server, id string, b []byte) {
	res, err := d.post(ctx, r, s, b)
	if err != nil {
		d.sayUnclear(w, id)
		return
	}

	if res.status == http.StatusOK {
		d.users.queued(who.key(), id)
	}

	w.Header().Set("X-Studio-Server", s.Tag.String())
	copyAnswer(w, res, d.Config().Edge.Encrypted)
}

// accepted is what a server answered, as far as that is known.
func accepted(w http.ResponseWriter, s servers.Server, id string) {
	w.Header().Set("X-Studio-Server", s.Tag.String())
	w.Header().Set("X-Studio-Settled", "true")
	say(w, http.StatusOK, struct {
		PromptID   string   `json:"prompt_id"`
		NodeErrors struct{} `json:"node_errors"`
	}{PromptID: id})
}

func (d *Door) sayUnclear(w http.ResponseWriter, id string) {
	w.Header().Set("Retry-After", "10")
	say(w, http.StatusGatewayTimeout, fails(id, "unclear", "The server did not say whether it queued the prompt. Ask for the id, or send the prompt again with it.", nil))
}

// sayLost tells that a prompt will not be finished, and why.
func (d *Door) sayLost(w http.ResponseWriter, status int, id string, tag prompt.Tag) {
	say(w, status, fails(id, "lost", "The prompt is lost: "+d.reason(tag)+".", d.lost(tag)))
}

func (d *Door) reason(tag prompt.Tag) string {
	if g, ok := d.Table.Gone(tag); ok {
		return g.Reason
	}

	return "its server is gone"
}

func (d *Door) lost(tag prompt.Tag) map[string]string {
	out := map[string]string{"reason": d.reason(tag)}

	if g, ok := d.Table.Gone(tag); ok {
		out["server"], out["time"] = g.Pod, g.At.UTC().Format(time.RFC3339)
	}

	return out
}

func copyAnswer(w http.ResponseWriter, res posted, encrypted bool) {
	header.Secure(res.header, encrypted)

	if kind := res.header.Get("Content-Type"); kind != "" {
		w.Header().Set("Content-Type", kind)
	}

	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(res.status)
	_, _ = w.Write(res.body)
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
