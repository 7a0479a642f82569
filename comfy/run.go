package comfy

import (
	"context"
	"time"
)

// A Run is how a graph is to be run.
type Run struct {
	// ID is the prompt's. Left out, it is made.
	ID string
	// Front puts the prompt before all that wait.
	Front bool
	// OnEvent hears of progress, one event after the other.
	OnEvent func(Event)
	// OnQueued hears of the prompt once it is queued: from then on it can be followed
	// by its id, whatever becomes of this program.
	OnQueued func(Ticket)
}

// Run has a graph run and waits for the result. The result may be of a prompt that
// failed: see Result.Err. An error is of a prompt of which nothing is known.
func (c *Client) Run(ctx context.Context, g Graph, r Run) (*Result, error) {
	if r.ID == "" {
		r.ID = NewID()
	}

	// A client id of its own for each prompt: two sockets of one id silence each other.
	clientID := NewID()

	e, stop := c.attend(ctx, r.ID, clientID, r.OnEvent)
	defer stop()

	ticket, err := c.Submit(ctx, g, Submission{ID: r.ID, ClientID: clientID, Front: r.Front})
	if err != nil {
		return nil, err
	}

	if r.OnQueued != nil {
		r.OnQueued(ticket)
	}

	out, err := c.follow(ctx, r.ID, e)
	if err != nil {
		return nil, err
	}

	out.Dropped = ticket.Dropped

	return out, nil
}

// Follow waits for the result of a prompt that was queued before, by whomever. There
// is no progress: it goes to the client that the prompt was queued with.
func (c *Client) Follow(ctx context.Context, id string) (*Result, error) {
	return c.follow(ctx, id, newEar(c, id, "", nil))
}

// lookups is how often nobody may know a prompt before it is lost: it can be on its
// way from the queue to the history, or from one front door's memory to another's.
const lookups = 3

// follow asks for the history until the prompt is in it. What the socket says only
// makes it ask sooner.
func (c *Client) follow(ctx context.Context, id string, e *ear) (*Result, error) {
	l := lookout{client: c, id: id, ear: e, silence: c.timing.silence}
	pause := c.timing.soonest

	e.hear()

	for first := true; ; first = false {
		r, err := c.Result(ctx, id)
		// The queue holds everybody's graphs, so it is asked for only in silence.
		if r == nil && err == nil && (first || e.silent() > pause) {
			r, err = l.look(ctx)
		}

		if r != nil || err != nil {
			return r, err
		}

		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-e.over:
			pause = c.timing.soonest
		case <-time.After(pause):
			pause = min(pause*3/2, c.timing.latest)
		}
	}
}

// A lookout sees where a prompt is that nothing is heard of.
type lookout struct {
	client *Client
	id     string
	ear    *ear
	// silence is how long the socket may say nothing.
	silence time.Duration
	// unknown counts how often nobody knew the prompt, one time after the other.
	unknown int
}

func (l *lookout) look(ctx context.Context) (*Result, error) {
	at, r, err := l.client.whereabouts(ctx, l.id)
	if r != nil || err != nil {
		return r, err
	}

	switch at {
	case nowhere:
		l.unknown++
		if l.unknown >= lookups {
			return nil, ErrLost
		}

		return nil, nil //nolint:nilnil // It is not over, as far as is known.
	case running:
		if l.ear.silent() > l.silence {
			// The socket is deaf, or a model is loading.
			l.ear.reconnect()

			l.silence *= 2
		}
	default:
		// There is nothing to hear of one that waits.
		l.ear.hear()
	}

	l.unknown = 0

	return nil, nil //nolint:nilnil // It is not over.
}
