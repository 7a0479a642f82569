package view

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Source gives the snapshot of now.
type Source interface {
	Snapshot(ctx context.Context) (Snapshot, error)
}

// Limits say when to stop waiting. All are simulated time.
type Limits struct {
	// Timeout bounds the whole.
	Timeout time.Duration
	// Stuck bounds the time in which no resource and no part changes its state.
	Stuck time.Duration
}

// A NotReadyError says that a studio did not come up, or did not go away, and
// what held it back.
type NotReadyError struct {
	Reason    string
	Diagnosis Diagnosis
}

// Error names the culprit.
func (e *NotReadyError) Error() string {
	return e.Reason + "; what holds it back: " + e.Diagnosis.Culprit()
}

// unreachable is how long the bed may be silent: its API server can restart.
const unreachable = 20 * time.Second

// minReal is the least real time after which a limit counts: at a high scale a
// busy machine would else make a healthy studio look stuck.
const minReal = 20 * time.Second

// Follow shows snapshots until one is done, and returns the last one. It ends
// with a *NotReadyError when a limit is reached.
func Follow(ctx context.Context, src Source, screen Screen, tick <-chan time.Time, done func(Snapshot) bool, l Limits) (Snapshot, error) {
	w := watchdog{limits: l}
	var last Snapshot
	var silent time.Time
	for {
		s, err := src.Snapshot(ctx)
		switch {
		case ctx.Err() != nil:
			return last, fmt.Errorf("interrupted: %w", context.Cause(ctx))
		case err != nil && silent.IsZero():
			silent = time.Now()
		case err != nil && time.Since(silent) > unreachable:
			return last, fmt.Errorf("the bed does not answer: %w", err)
		case err == nil:
			silent = time.Time{}
			last = s
			screen.Show(s)
			if done(s) {
				return s, nil
			}
			if err := w.look(s); err != nil {
				return s, err
			}
		}
		select {
		case <-ctx.Done():
		case <-tick:
		}
	}
}

// Up says whether a studio is there: the claim is Ready.
func Up(s Snapshot) bool { return s.Ready }

// Down says whether nothing of a studio is left but what AWS keeps on purpose.
func Down(s Snapshot) bool {
	if s.Exists || s.Usages > 0 {
		return false
	}
	for _, r := range s.Resources() {
		if r.State != Gone && r.State != Kept {
			return false
		}
	}
	return true
}

// A watchdog knows when nothing moves any more.
type watchdog struct {
	limits Limits
	seen   string
	// begun is when the watch began, since when the last change was seen.
	begun, since float64
}

func (w *watchdog) look(s Snapshot) error {
	if w.begun == 0 {
		w.begun = s.Now
	}
	if now := fingerprint(s); now != w.seen {
		w.seen, w.since = now, s.Now
	}
	switch {
	case reached(s, w.begun, w.limits.Timeout):
		return w.fail(s, fmt.Sprintf("not done after %.0f simulated minutes", (s.Now-w.begun)/60))
	case reached(s, w.since, w.limits.Stuck):
		return w.fail(s, fmt.Sprintf("nothing has changed for %.0f simulated minutes", (s.Now-w.since)/60))
	}
	return nil
}

func (*watchdog) fail(s Snapshot, reason string) error {
	return &NotReadyError{Reason: reason, Diagnosis: Diagnose(s)}
}

func reached(s Snapshot, since float64, limit time.Duration) bool {
	passed := s.Now - since
	return limit > 0 && passed > limit.Seconds() && passed > minReal.Seconds()*s.Scale
}

// fingerprint holds what counts as a change: states, not messages. A resource
// that fails with another request id each time has not moved.
func fingerprint(s Snapshot) string {
	out := &strings.Builder{}
	fmt.Fprint(out, s.Exists, s.Ready, s.Usages)
	for _, p := range s.Parts {
		fmt.Fprint(out, p.Name, p.State)
		for _, r := range p.Resources {
			fmt.Fprint(out, r.Key, r.State)
		}
	}
	return out.String()
}

// Explain returns the text that goes with an error of Follow.
func Explain(s Snapshot, err error) string {
	if e, ok := errors.AsType[*NotReadyError](err); ok {
		return e.Reason + "\n" + e.Diagnosis.Text(s)
	}
	return err.Error() + "\n"
}
