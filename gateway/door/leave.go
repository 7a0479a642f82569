package door

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/relay"
	"github.com/comfyui-studio/comfyui-studio/gateway/wake"
)

func states(all []wake.Stage) []string {
	out := make([]string, 0, len(all))
	for _, s := range all {
		out = append(out, s.State)
	}

	return out
}

// Move closes the sockets of servers that go, when they have finished what they
// had: whoever works there hears of their prompts until then, and comes back to
// another server. It ends with the context.
func (d *Door) Move(ctx context.Context) {
	for {
		changed := d.Table.Changed()

		for _, o := range d.sockets.of(d.moves) {
			o.socket.Close(relay.ServiceRestart)
		}

		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

func (d *Door) moves(o *open) bool {
	s, ok := d.Table.Find(o.server)
	return !ok || (!stays(s) && s.Queue == 0)
}

// Drop closes the sockets of a client at a server, for another front door.
func (d *Door) Drop(ctx context.Context, server prompt.Tag, clientID string) {
	d.sockets.supersede(ctx, func(o *open) bool { return o.server == server && o.name == clientID })
}

// Hold waits until nobody at this front door, or at one that it keeps the turns for,
// does something about an id, and returns what ends that.
func (d *Door) Hold(ctx context.Context, id string) (func(), error) { return d.ids.lock(ctx, id) }

// Sockets is how many there are.
func (d *Door) Sockets() int { return len(d.sockets.of(func(*open) bool { return true })) }

// Parked is how many wait for a server.
func (d *Door) Parked() int { return d.sockets.parked() }

// Leave lets go all sockets within a time, and returns when the servers are done
// with them: the browsers come back at another front door.
func (d *Door) Leave(ctx context.Context, within time.Duration) {
	all := d.sockets.of(func(*open) bool { return true })

	for _, o := range all {
		time.AfterFunc(rand.N(within), func() { o.socket.Close(relay.ServiceRestart) }) //nolint:gosec // Nobody gains from guessing it.
	}

	for _, o := range all {
		select {
		case <-o.socket.Done():
		case <-ctx.Done():
			return
		}
	}
}
