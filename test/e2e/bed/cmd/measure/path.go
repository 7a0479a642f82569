package main

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// A leg is the part of a studio's critical path that one resource takes, from
// its gates being open to the next one's. Its times are real.
type leg struct {
	key string
	// function and core are the time until it was composed: the function's own
	// runs, and all else that the core and the API server did.
	function, core time.Duration
	// request is the time until AWS had the request: the provider's.
	request time.Duration
	// aws is how long AWS took, terraform what Terraform waits on its own.
	aws, terraform time.Duration
	// seen is the time until the resource was seen ready.
	seen time.Duration
}

// implied is what no function and no core could make shorter.
func (l leg) implied() time.Duration { return l.aws + l.terraform }

func (l leg) took() time.Duration {
	return l.function + l.core + l.request + l.implied() + l.seen
}

// times are when AWS had a resource's request and when it was done, and what
// Terraform waits on its own.
type times struct{ created, active, settle time.Duration }

// legs takes a chain apart. A resource that AWS does not know has no times: all
// it takes is the provider's.
func legs(h *history, ws []wait, in map[string]times, rs []run) []leg {
	out := make([]leg, 0, len(ws))

	for i, w := range ws {
		end := h.readySince(w.key)
		if i+1 < len(ws) {
			end = ws[i+1].open
		}

		l := leg{key: w.key, function: functionTime(h, w.open, w.composed, rs)}
		l.core = w.took() - l.function

		t, ok := in[w.key]
		if !ok {
			t = times{created: w.composed, active: w.composed}
		}

		l.request = t.created - w.composed
		l.aws = t.active - t.created
		l.terraform = t.settle
		l.seen = end - t.active - t.settle

		out = append(out, l)
	}

	return out
}

// readySince is when a resource became ready for the last time.
func (h *history) readySince(key string) time.Duration {
	s := h.seen[key]
	if s == nil || len(s.ready) == 0 {
		return 0
	}

	return s.ready[len(s.ready)-1].at
}

// functionTime is how much of the time between two moments the function ran.
func functionTime(h *history, from, to time.Duration, rs []run) time.Duration {
	var out time.Duration

	for _, r := range rs {
		start := r.start.Sub(h.start)
		if d := min(to, start+r.took) - max(from, start); d > 0 {
			out += d
		}
	}

	return out
}

// timesOf reads the ledger, whose times are simulated and count from another
// start, offset simulated seconds before the claim's apply.
func timesOf(l cloud.Ledger, h *history, namespace string, offset float64, settle func(cloud.Kind) time.Duration) map[string]times {
	type id struct{ group, kind, name string }

	keys := map[id]string{}
	for k, s := range h.seen {
		keys[id{s.group, s.kind, s.name}] = k
	}

	sinceApply := func(simulated float64) time.Duration {
		return time.Duration((simulated - offset) / l.Scale * float64(time.Second))
	}
	out := map[string]times{}

	for _, e := range l.Entries {
		key, ok := keys[id{e.Group, e.Kind, e.Name}]
		if !ok || e.Namespace != namespace || e.Active == 0 {
			continue
		}

		out[key] = times{
			created: sinceApply(e.Created), active: sinceApply(e.Active),
			settle: time.Duration(float64(settle(cloud.KindOf(e.Group, e.Kind))) / l.Scale),
		}
	}

	return out
}
