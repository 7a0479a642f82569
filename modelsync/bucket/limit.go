package bucket

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// attempts is how often a request is made before it counts as failed, and the
// waits between attempts: about twelve seconds together.
const (
	attempts  = 8
	firstWait = 50 * time.Millisecond
	longest   = 5 * time.Second
	// calm is how many requests must go well before one more is made at once.
	calm = 16
)

// backoff is the wait after an attempt, with full jitter: nodes that were refused
// together must not come back together.
func backoff(attempt int) time.Duration {
	return rand.N(min(firstWait<<attempt, longest)) + time.Millisecond //nolint:gosec // Jitter is no secret.
}

// A limit bounds how many requests are under way. Being refused for too many
// halves it; going well raises it again, slowly.
type limit struct {
	mu      sync.Mutex
	free    sync.Cond
	most    int
	allowed int
	busy    int
	well    int
	// halved counts. What was under way when it was halved was refused for the
	// same crowd, and does not halve it again.
	halved int
}

func newLimit(most int) *limit {
	l := &limit{most: max(most, 1), allowed: max(most, 1)}
	l.free.L = &l.mu

	return l
}

// take waits for room, and says how often the bound was halved by then.
func (l *limit) take(ctx context.Context) (int, error) {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()

		l.free.Broadcast()
	})
	defer stop()

	l.mu.Lock()
	defer l.mu.Unlock()

	for l.busy >= l.allowed && ctx.Err() == nil {
		l.free.Wait()
	}

	if err := ctx.Err(); err != nil {
		return 0, err
	}

	l.busy++

	return l.halved, nil
}

// give returns the room, with how it went.
func (l *limit) give(halved int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.busy--

	switch {
	case crowded(err):
		l.well = 0

		if halved == l.halved {
			l.allowed = max(l.allowed/2, 1)
			l.halved++
		}
	case err == nil:
		if l.well++; l.well >= calm {
			l.allowed = min(l.allowed+1, l.most)
			l.well = 0
		}
	}

	l.free.Broadcast()
}

// try makes a request until it goes well, for as long as that may help. A request
// that came further than before starts to count anew.
func (b *Bucket) try(ctx context.Context, request func(context.Context) (bool, error)) error {
	for attempt := 0; ; attempt++ {
		further, err := b.limited(ctx, request)
		if further {
			attempt = 0
		}

		if !passes(err) || attempt+1 >= attempts {
			return err
		}

		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(b.pause(attempt)):
		}
	}
}

func (b *Bucket) limited(ctx context.Context, request func(context.Context) (bool, error)) (bool, error) {
	halved, err := b.limit.take(ctx)
	if err != nil {
		return false, err
	}

	further, err := request(ctx)
	b.limit.give(halved, err)

	return further, err
}
