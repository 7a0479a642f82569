package door

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/header"
	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

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
func (d *Door) settle(ctx context.Context, w http.ResponseWriter, r *http.Request, s servers.Server, id string, b []byte) {
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
			accepted(w, s, id)

			return
		}

		if unknown == 2 {
			d.resend(ctx, w, r, s, id, b)
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
func (d *Door) resend(ctx context.Context, w http.ResponseWriter, r *http.Request, s servers.Server, id string, b []byte) {
	res, err := d.post(ctx, r, s, b)
	if err != nil {
		d.sayUnclear(w, id)
		return
	}

	if res.status != http.StatusOK {
		d.found.Remove(id)
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
