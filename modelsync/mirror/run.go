package mirror

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"time"
)

// firstRetry is how long after a pass that left something undone the next one
// comes; it doubles up to the interval.
const firstRetry = 2 * time.Second

// Poke has the bucket looked at now. It never waits. Any number of pokes before a
// pass begins are that one pass; a poke while one is under way is another, because
// the listing may be older than what the poke is about.
func (m *Mirror) Poke() {
	select {
	case m.poke <- struct{}{}:
	default:
	}
}

// Run mirrors until ctx ends.
func (m *Mirror) Run(ctx context.Context) error {
	unlock, err := m.disk.Lock()
	if err != nil {
		return fmt.Errorf("cannot lock: %w", err)
	}
	defer unlock()

	if err := m.clean(); err != nil {
		return fmt.Errorf("cannot clean %s: %w", staging, err)
	}

	failures := 0

	for {
		began := time.Now()

		if err := m.Pass(ctx); err != nil {
			failures++
		} else {
			failures = 0
		}

		if !m.wait(ctx, m.pause(failures), m.poke) || !m.wait(ctx, m.options.Gap-time.Since(began), nil) {
			return nil
		}

		// Whoever poked until here is served by what comes now.
		select {
		case <-m.poke:
		default:
		}
	}
}

// pause is how long to wait for the next pass: not the same on all nodes.
func (m *Mirror) pause(failures int) time.Duration {
	d := m.options.Interval
	if failures > 0 {
		d = min(d, firstRetry<<min(failures-1, 10))
	}

	return d - d/10 + rand.N(d/5+1) //nolint:gosec // Jitter is no secret.
}

// wait waits, until it is poked at the latest. It says whether to go on.
func (m *Mirror) wait(ctx context.Context, d time.Duration, poke <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-ctx.Done():
		return false
	case <-poke:
	case <-timer.C:
	}

	return ctx.Err() == nil
}

// clean takes away what another daemon was at when it ended.
func (m *Mirror) clean() error {
	entries, err := m.disk.List(staging)
	if err != nil {
		return err
	}

	var failed []error
	for _, e := range entries {
		failed = append(failed, m.disk.Remove(path.Join(staging, e.Name)))
	}

	return errors.Join(failed...)
}
