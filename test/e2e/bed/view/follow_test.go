package view

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// A script is a Source that plays snapshots, a simulated minute apart.
type script func(minute float64) Snapshot

type player struct {
	script script
	minute float64
}

func (p *player) Snapshot(context.Context) (Snapshot, error) {
	p.minute++
	return p.script(p.minute), nil
}

func follow(t *testing.T, s script, done func(Snapshot) bool, l Limits) (Snapshot, error) {
	t.Helper()
	// The player moves on with each look, so the next tick is always due.
	tick := make(chan time.Time)
	close(tick)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return Follow(ctx, &player{script: s}, NewLog(io.Discard), tick, done, l)
}

func TestFollow(t *testing.T) {
	hour := Limits{Timeout: time.Hour, Stuck: 30 * time.Minute}
	neverActive := func(minute float64) Snapshot {
		o := halfway(min(minute, 4))
		o.Ledger.Now = at(minute)
		return Build(o)
	}
	cases := map[string]struct {
		reason string
		script script
		done   func(Snapshot) bool
		limits Limits
		// want are parts of the error; none: no error.
		want    []string
		minutes float64
	}{
		"Ready": {
			reason: "A studio that comes up is no error.",
			script: func(minute float64) Snapshot {
				if minute < 14 {
					return Build(halfway(minute))
				}
				return Build(studio(minute, finished(), whole()...))
			},
			done: Up, limits: hour, minutes: 14,
		},
		"NeverActive": {
			reason: "A cluster that never becomes active ends the wait, and is named.",
			script: neverActive, done: Up, limits: hour,
			want: []string{"nothing has changed for 31", "Cluster tokyo-128572-cluster-eks", "cluster-eks"}, minutes: 35,
		},
		"Timeout": {
			reason: "A studio that moves for ever ends at the timeout.",
			script: func(minute float64) Snapshot {
				o := halfway(3.2)
				o.Ledger.Now = at(minute)
				if int(minute)%2 == 0 {
					o.Composed = o.Composed[:len(o.Composed)-1]
				}
				return Build(o)
			},
			done: Up, limits: hour, want: []string{"not done after 61", "cluster-eks"}, minutes: 62,
		},
		"Down": {
			reason: "A studio is down when AWS has nothing but what it keeps.",
			script: func(minute float64) Snapshot {
				o := gone()
				o.Ledger.Now = at(30 + minute)
				if minute < 5 {
					i := slices.IndexFunc(o.Ledger.Entries, func(e Entry) bool { return e.Kind == "NATGateway" })
					o.Ledger.Entries[i].State = "deleting"
				}
				return Build(o)
			},
			done: Down, limits: hour, minutes: 5,
		},
		"Leftover": {
			reason: "What AWS has left without an object is named.",
			script: func(minute float64) Snapshot {
				o := gone()
				o.Ledger.Now = at(30 + minute)
				i := slices.IndexFunc(o.Ledger.Entries, func(e Entry) bool { return e.Kind == "NATGateway" })
				o.Ledger.Entries[i].State = "active"
				return Build(o)
			},
			done: Down, limits: hour, want: []string{"NATGateway tokyo-128572-network-nat"}, minutes: 32,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var last float64
			play := func(m float64) Snapshot { last = m; return tc.script(m) }
			s, err := follow(t, play, tc.done, tc.limits)
			if (err != nil) != (len(tc.want) > 0) {
				t.Fatalf("%s\nFollow(...): want error %v, got %v", tc.reason, tc.want, err)
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) || !strings.Contains(Explain(s, err), w) {
					t.Errorf("%s\nFollow(...): want %q in %q and in\n%s", tc.reason, w, err, Explain(s, err))
				}
			}
			if last != tc.minutes {
				t.Errorf("%s\nFollow(...): ended at minute %.0f, want %.0f", tc.reason, last, tc.minutes)
			}
		})
	}
}

type silent struct{ cancel context.CancelFunc }

func (s silent) Snapshot(context.Context) (Snapshot, error) {
	s.cancel()
	return Snapshot{}, errors.New("no answer")
}

func TestFollowEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Follow(ctx, silent{cancel}, NewLog(io.Discard), nil, Up, Limits{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Follow(...): want %v, got %v", context.Canceled, err)
	}
}
