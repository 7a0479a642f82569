package view

import (
	"cmp"
	"slices"
)

// A Step is one resource on the critical path.
type Step struct {
	Resource

	// Found says how the step before it was found.
	Found string
	// Waited is the simulated time between the step before becoming active (or
	// the claim's apply) and this one's creation, Took that between its creation
	// and its becoming active.
	Waited, Took float64
}

// The ways in which a step is found, beside "reference <field>".
const (
	foundStart = "first wave, nothing to wait for"
	foundGate  = "gate (inferred: the latest ready before it)"
)

// worthWaiting is how many simulated seconds a resource takes at least to count
// as a gate beside a reference.
const worthWaiting = 20

// CriticalPath goes back from the resource that became ready last, from each
// resource to the one whose becoming active let it be created. The first step
// comes first.
func CriticalPath(s Snapshot) []Step {
	all := map[ID]Resource{}
	var cur *Resource
	for _, r := range s.Resources() {
		all[r.ID] = r
		if r.Active > 0 && (cur == nil || r.Active > cur.Active) {
			cur = &r
		}
	}
	var out []Step
	seen := map[ID]bool{}
	for cur != nil && !seen[cur.ID] {
		seen[cur.ID] = true
		prev, found := enabler(s, *cur, all)
		after := s.Start
		if prev != nil {
			after = prev.Active
		}
		out = append(out, Step{Resource: *cur, Found: found, Waited: cur.Created - after, Took: cur.Active - cur.Created})
		cur = prev
	}
	slices.Reverse(out)
	return out
}

// enabler finds the resource that let another one be created: what it refers
// to, or, when that had long been known to be ready, the last resource of its own
// or an earlier part that became ready before it.
func enabler(s Snapshot, r Resource, all map[ID]Resource) (*Resource, string) {
	ref, field := latestReference(s, r, all)
	if ref != nil && r.Created-max(ref.Shown, ref.Active) <= s.slack() {
		return ref, "reference " + field
	}
	if ref == nil && r.Created-s.Start <= s.slack() {
		return nil, foundStart
	}
	gate := latestGate(s, r, ref != nil)
	switch {
	case gate != nil && (ref == nil || gate.Active > ref.Active):
		return gate, foundGate
	case ref != nil:
		return ref, "reference " + field
	}
	return nil, foundStart
}

// latestReference is what became active last of all that a resource refers to.
func latestReference(s Snapshot, r Resource, all map[ID]Resource) (*Resource, string) {
	var ref *Resource
	field := ""
	for _, reference := range r.References {
		to, ok := all[reference.To]
		if ok && before(s, to, r) && (ref == nil || to.Active > ref.Active) {
			ref, field = &to, reference.Field
		}
	}
	return ref, field
}

// latestGate is what became active last before a resource was created, in its
// own or an earlier part. Beside a reference, something that AWS makes at once is
// no reason to wait longer: on a busy machine it is merely next to the resource.
func latestGate(s Snapshot, r Resource, beside bool) *Resource {
	var gate *Resource
	for _, other := range s.Resources() {
		switch {
		case other.ID == r.ID || !before(s, other, r) || rank(s, other.Part) > rank(s, r.Part):
		case beside && other.Active-other.Created < worthWaiting:
		case gate == nil || other.Active > gate.Active:
			gate = &other
		}
	}
	return gate
}

// before says whether a became active before b was created. Times of resources
// that AWS does not know are cut to the second, hence the margin.
func before(s Snapshot, a, b Resource) bool {
	return a.Active > 0 && a.Active <= b.Created+s.Scale*0.05 && cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Key, b.Key)) < 0
}

func rank(s Snapshot, part string) int {
	return slices.IndexFunc(s.Parts, func(p Part) bool { return p.Name == part })
}
