package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

// A history is what a watch saw of one studio. All times are real and count from
// just before the claim was applied.
type history struct {
	start time.Time
	// seen are the composed resources by key.
	seen map[string]*sighting
	// values are the values that resources wait for, when first seen.
	values map[string]told
	// subnets are the private ones whose ids were told.
	subnets map[string]bool
	// responsive are the changes of the claim's condition Responsive, which
	// tells whether the circuit breaker is open.
	responsive []change
	// claimEvents are the watch events of the claim itself.
	claimEvents int
	// ready is when the claim was Ready, zero before.
	ready time.Duration
}

// A sighting is one composed resource.
type sighting struct {
	group, kind, name string
	composed          time.Duration
	// ready are the changes of its readiness.
	ready  []change
	events int
}

// told is a value and who told it.
type told struct {
	at time.Duration
	by string
}

// A change is a condition that turned true or false.
type change struct {
	at time.Duration
	is bool
}

func newHistory(start time.Time) *history {
	h := &history{start: start, seen: map[string]*sighting{}, values: map[string]told{}, subnets: map[string]bool{}}
	// The studio's secret is there with the second run, and nobody watches Secrets here.
	for _, v := range append(gate.Always(), gate.StudioSecret) {
		h.values[v] = told{}
	}

	return h
}

// changed appends to changes when the last one says otherwise; the state before
// all changes is given.
func changed(cs []change, at time.Duration, is, before bool) []change {
	last := before
	if n := len(cs); n > 0 {
		last = cs[n-1].is
	}

	if last == is {
		return cs
	}

	return append(cs, change{at: at, is: is})
}

// readyAt says whether a resource was ready at that time, and since when.
func (h *history) readyAt(key string, at time.Duration) (since time.Duration, is bool) {
	s := h.seen[key]
	if s == nil {
		return 0, false
	}

	for _, c := range s.ready {
		if c.at > at {
			break
		}

		since, is = c.at, c.is
	}

	return since, is
}

// opened is when all of a resource's gates were open for the first time, and
// the resource that opened the last of them: empty when it waits for nothing.
func (h *history) opened(g gate.Gate) (at time.Duration, by string, ok bool) {
	for _, t := range h.moments(g) {
		if by, ok := h.openAt(g, t); ok {
			return t, by, true
		}
	}

	return 0, "", false
}

// moments are the times at which a gate may have opened, in order.
func (h *history) moments(g gate.Gate) []time.Duration {
	out := []time.Duration{0}

	for _, k := range g.After {
		if s := h.seen[k]; s != nil {
			for _, c := range s.ready {
				out = append(out, c.at)
			}
		}
	}

	for _, v := range g.Needs {
		if t, ok := h.values[v]; ok {
			out = append(out, t.at)
		}
	}

	slices.Sort(out)

	return out
}

func (h *history) openAt(g gate.Gate, at time.Duration) (by string, ok bool) {
	var last time.Duration

	note := func(t time.Duration, key string) {
		if by == "" || t > last {
			last, by = t, key
		}
	}

	for _, k := range g.After {
		since, is := h.readyAt(k, at)
		if !is {
			return "", false
		}

		note(since, k)
	}

	for _, v := range g.Needs {
		t, ok := h.values[v]
		if !ok || t.at > at {
			return "", false
		}

		note(t.at, t.by)
	}

	return by, true
}

// lastReady is the resource of those with gates that became ready last. Usages have
// none: they follow what they are about.
func (h *history) lastReady(declared []gate.Gate) string {
	var (
		last time.Duration
		out  string
	)

	for _, g := range declared {
		k, s := g.Key, h.seen[g.Key]
		if s == nil {
			continue
		}

		n := len(s.ready)
		if n == 0 || !s.ready[n-1].is {
			continue
		}

		if at := s.ready[n-1].at; out == "" || cmp.Or(cmp.Compare(at, last), cmp.Compare(k, out)) > 0 {
			last, out = at, k
		}
	}

	return out
}

// events are the watch events of the claim and of all that it is composed of.
func (h *history) events() int {
	n := h.claimEvents
	for _, s := range h.seen {
		n += s.events
	}

	return n
}

// untold is what a resource waits for and nothing that was seen has opened.
func (h *history) untold(declared []gate.Gate, key string) []string {
	var out []string

	for _, g := range declared {
		if g.Key != key {
			continue
		}

		for _, k := range g.After {
			if s := h.seen[k]; s == nil || len(s.ready) == 0 {
				out = append(out, k)
			}
		}

		for _, v := range g.Needs {
			if _, ok := h.values[v]; !ok {
				out = append(out, v)
			}
		}
	}

	return out
}
