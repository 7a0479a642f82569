package cloud

import (
	"context"
	"fmt"
	"time"
)

// A TimeoutError says that a resource did not get there in time.
type TimeoutError struct {
	State   State
	Timeout time.Duration
}

// Error is what Terraform says.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("timeout while waiting for state to become 'active' (last state: '%s', timeout: %s)", e.State, e.Timeout)
}

// Await waits until a resource is usable, a TimeoutError after the timeout.
func (a *AWS) Await(ctx context.Context, c Call, timeout time.Duration) (Resource, error) {
	err := a.await(ctx, c, timeout, func(r *record) (time.Duration, bool) {
		return max(r.active, r.ready), r == nil || a.clock.Now() >= max(r.active, r.ready)
	})
	if err != nil {
		return Resource{}, err
	}
	return a.Read(c)
}

// AwaitGone waits until a resource no longer exists.
func (a *AWS) AwaitGone(ctx context.Context, c Call, timeout time.Duration) error {
	return a.await(ctx, c, timeout, func(r *record) (time.Duration, bool) {
		return r.gone, !r.exists(a.clock.Now())
	})
}

func (a *AWS) await(ctx context.Context, c Call, timeout time.Duration, due func(*record) (time.Duration, bool)) error {
	deadline := a.clock.Now() + timeout
	for {
		a.mu.Lock()
		r := a.live[a.key(c.Kind, c.region(), c.ID)]
		if r == nil {
			a.mu.Unlock()
			return nil
		}
		at, done := due(r)
		state, changed, now := r.state(a.clock.Now()), a.changed, a.clock.Now()
		a.mu.Unlock()
		if done {
			return nil
		}
		if now >= deadline {
			return &TimeoutError{State: state, Timeout: timeout}
		}
		t := time.NewTimer(a.clock.Real(min(at, deadline)-now) + time.Microsecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-changed:
		case <-t.C:
		}
		t.Stop()
	}
}
