package comfy

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// A Wait is why a client waits, and how long until it tries again.
type Wait struct {
	Reason string
	For    time.Duration
}

// persist tries until a server answers with something else than that it cannot
// now. It gives up when nobody has answered for as long as the client's patience.
func (c *Client) persist(ctx context.Context, try func() (answer, error)) (answer, error) {
	p := patience{limit: c.timing.patience}

	for n := 0; ; n++ {
		a, err := try()

		wait := c.wait(a, err, n)
		if wait.For == 0 || ctx.Err() != nil {
			return a, errors.Join(err, ctx.Err())
		}

		if p.over(a, err) {
			return a, err
		}

		if err := c.sleep(ctx, wait); err != nil {
			return a, err
		}
	}
}

// patience is how long nobody may answer.
type patience struct {
	limit time.Duration
	since time.Time
}

// over says, after a try that came to nothing, whether to give up.
func (p *patience) over(a answer, err error) bool {
	switch {
	case err == nil && told(a):
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = time.Now()
	default:
		return time.Since(p.since) > p.limit
	}

	return false
}

// told says that a front door itself asks for more time: it says how much. A load
// balancer whose targets are gone does not.
func told(a answer) bool { return busy(a.status) && a.header.Get("Retry-After") != "" }

func busy(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

// wait is how long to wait before the next try, or nothing if there is no need of one.
func (c *Client) wait(a answer, err error, tries int) Wait {
	backoff := min(c.timing.pause<<min(tries, 5), 15*c.timing.pause)

	switch {
	case err != nil:
		return Wait{"the server cannot be reached", backoff}
	case a.status == http.StatusBadGateway || a.status == http.StatusGatewayTimeout:
		return Wait{"the server does not answer", backoff}
	case !busy(a.status):
		return Wait{}
	}

	if s, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && s > 0 {
		// A server that woke sooner than foretold should not idle for long.
		backoff = min(time.Duration(min(s, 3600))*time.Second, 15*c.timing.pause)
	}

	switch {
	case a.header.Get("X-Studio-Asleep") != "":
		return Wait{"the studio is waking up", backoff}
	case a.status == http.StatusTooManyRequests:
		return Wait{"the queue is full", backoff}
	}

	return Wait{"the server cannot answer now", backoff}
}

func (c *Client) sleep(ctx context.Context, w Wait) error {
	c.waiting(w)

	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(w.For):
		return nil
	}
}
