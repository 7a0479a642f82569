package main

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

// A wait is the time between a resource's gates being open and its being
// composed.
type wait struct {
	key string
	// by is the resource that opened the last gate, empty for the first wave.
	by   string
	open time.Duration
	// composed is when it was composed, or the end of the window.
	composed time.Duration
	// missing says that it was not composed within the window.
	missing bool
}

func (w wait) took() time.Duration { return w.composed - w.open }

// waits are the waits of all resources whose gates opened before the end.
func waits(h *history, declared []gate.Gate, end time.Duration) map[string]wait {
	out := map[string]wait{}

	for _, g := range declared {
		open, by, ok := h.opened(g)
		if !ok || open >= end {
			continue
		}

		w := wait{key: g.Key, by: by, open: open, composed: end, missing: true}
		if s := h.seen[g.Key]; s != nil && s.composed < end {
			// The core may see the gate open, and compose, before this watch does.
			w.composed, w.missing = max(s.composed, open), false
		}

		out[g.Key] = w
	}

	return out
}

// chain goes back from a resource, from each to the one that opened its last
// gate. The first wave comes first.
func chain(all map[string]wait, key string) []wait {
	var out []wait

	for seen := map[string]bool{}; !seen[key]; {
		w, ok := all[key]
		if !ok {
			break
		}

		seen[key] = true

		out = append(out, w)
		key = w.by
	}

	slices.Reverse(out)

	return out
}

// sum is the time that a chain spent waiting.
func sum(ws []wait) time.Duration {
	var d time.Duration
	for _, w := range ws {
		d += w.took()
	}

	return d
}

// longest is the longest wait.
func longest(ws []wait) wait {
	if len(ws) == 0 {
		return wait{}
	}

	return slices.MaxFunc(ws, func(a, b wait) int {
		return cmp.Or(cmp.Compare(a.took(), b.took()), cmp.Compare(b.key, a.key))
	})
}

// worst is the chain that spent the most time waiting.
func worst(all map[string]wait) []wait {
	var out []wait

	for _, key := range slices.Sorted(maps.Keys(all)) {
		if c := chain(all, key); sum(c) > sum(out) {
			out = c
		}
	}

	return out
}

// over counts the waits that are longer than a limit.
func over(all map[string]wait, limit time.Duration) int {
	n := 0

	for _, w := range all {
		if w.took() > limit {
			n++
		}
	}

	return n
}
