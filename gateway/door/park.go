package door

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/relay"
)

const (
	// spread is the time in which sockets are let go that all would come back at once.
	spread = 3 * time.Second
	// beating keeps what stands between from closing a connection that is silent.
	beating = 15 * time.Second
	// watching is how long one page is told how far a server has come. It asks anew.
	watching = 10 * time.Minute
)

// Peers are the other front doors of the studio.
type Peers interface {
	// Drop has them close the sockets of a client at a server, and waits for it.
	Drop(ctx context.Context, server prompt.Tag, clientID string)
	// Turn waits until nobody at any front door does something about an id, and
	// returns what ends that. Own waits for those that this one keeps.
	Turn(ctx context.Context, id string, own func(ctx context.Context, id string) (func(), error)) (func(), error)
}

// park holds a socket while no server is awake. A tab that is refused comes back
// three times a second, and polls besides; one that is held is quiet, and wakes
// nothing. It is let go when there is a server, and comes back by itself.
func (d *Door) park(w http.ResponseWriter, r *http.Request, pool, id string) {
	// Whose page it is was checked by then.
	k, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer k.CloseNow() //nolint:errcheck // It is gone already or goes now.

	if id == "" {
		id = newID()
	}

	b, err := json.Marshal(map[string]any{"type": "status", "data": map[string]any{"status": loadOf(0), "sid": id}})
	if err != nil {
		return
	}

	ctx := k.CloseRead(r.Context())
	if k.Write(ctx, websocket.MessageText, b) != nil {
		return
	}

	tick := time.NewTicker(relay.Every)
	defer tick.Stop()

	for {
		changed := d.Table.Changed()
		if _, ok := d.Table.Least(pool); ok {
			d.pause(ctx, rand.N(spread)) //nolint:gosec // Nobody gains from guessing it.
			_ = k.Close(websocket.StatusServiceRestart, "")

			return
		}

		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-tick.C:
			if k.Ping(ctx) != nil {
				return
			}
		}
	}
}

func newID() string {
	return prompt.Mint(nil, prompt.Tag{})
}

func (*Door) pause(ctx context.Context, how time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(how):
	}
}

// events tells a page how far its server has come, until it is there.
func (d *Door) events(w http.ResponseWriter, r *http.Request, pool string) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")

	control, end := http.NewResponseController(w), time.After(watching)
	beat, look := time.NewTicker(beating), time.NewTicker(time.Second)

	defer beat.Stop()
	defer look.Stop()

	for last := ""; ; {
		changed := d.Table.Changed()
		p := d.Waker.Progress(pool)
		_, p.Ready = d.Table.Least(pool)

		b, err := json.Marshal(p)
		if err != nil {
			return
		}

		// What took time goes on in the page by itself.
		if key := fmt.Sprint(p.Ready, p.Summary, p.Problem, states(p.Stages)); key != last {
			last = key

			if _, err := fmt.Fprintf(w, "event: stages\ndata: %s\n\n", b); err != nil || control.Flush() != nil {
				return
			}
		}

		if p.Ready {
			return
		}

		select {
		case <-r.Context().Done():
			return
		case <-end:
			return
		case <-changed:
		case <-look.C:
		case <-beat.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil || control.Flush() != nil {
				return
			}
		}
	}
}
