package view

import "math"

// State says how far a resource or a part is.
type State string

// The states, in the words people see.
const (
	// Waiting means that something else must be ready first.
	Waiting State = "waiting"
	// Creating means that the provider or AWS is at work.
	Creating State = "creating"
	// Ready means that the Ready condition is True.
	Ready State = "ready"
	// Failing means that a condition reports an error. It may still recover.
	Failing State = "failing"
	// Deleting means that the object carries a deletion timestamp, or that the
	// object has gone and AWS is still busy with what it stood for.
	Deleting State = "deleting"
	// Gone means that nothing is left, neither the object nor anything in AWS.
	Gone State = "gone"
	// Kept means that the object has gone and AWS keeps what it stood for,
	// because the claim asked for that.
	Kept State = "kept"
	// Absent means that the studio has no such part: this release does not
	// compose it, or the claim switches it off.
	Absent State = "absent"
)

// ID is what an object and its entry in the ledger have in common.
type ID struct {
	Group, Kind, Namespace, Name string
}

// A Reference is a field of a composed resource that names another one.
type Reference struct {
	// Field is the last element of the field's path, such as vpcIdRef.
	Field string
	To    ID
}

// A Resource is one composed resource.
type Resource struct {
	ID

	// Key is the resource's name in the composition, such as network-vpc.
	Key string
	// Part is the key up to its first dash.
	Part  string
	State State
	// Message is the error of a failing resource, on one line.
	Message string
	// Created, Active and Deleted say when AWS was asked for it, when AWS had
	// it, and when it went.
	Created, Active, Deleted float64
	// Shown is when the management cluster knew that it was ready: a little after
	// AWS had it, since the provider asks from time to time.
	Shown float64
	// Adopted means that it existed in AWS before the claim.
	Adopted bool
	// External is the id in AWS.
	External   string
	References []Reference
}

// Label is the resource's key without its part.
func (r Resource) Label() string {
	if len(r.Key) > len(r.Part)+1 {
		return r.Key[len(r.Part)+1:]
	}
	return r.Key
}

// A Part is one part of a studio.
type Part struct {
	Name  string
	State State
	// Waits is what the part's condition says while it is not True, or why the
	// part is absent.
	Waits     string
	Resources []Resource
}

// Count returns how many of the part's resources are in a state.
func (p Part) Count(s State) int {
	n := 0
	for _, r := range p.Resources {
		if r.State == s {
			n++
		}
	}
	return n
}

// Span returns when the part's first resource was created and when its last one
// became active. A part with resources still to come ends now.
func (p Part) Span(now float64) (from, to float64) {
	from = math.Inf(1)
	for _, r := range p.Resources {
		if r.Created > 0 {
			from = min(from, r.Created)
		}
		to = max(to, r.Active)
	}
	if math.IsInf(from, 1) {
		return 0, 0
	}
	if p.State != Ready {
		to = now
	}
	return from, max(from, to)
}

// A Snapshot is a studio at one moment.
type Snapshot struct {
	Namespace, Name, Region string

	// Exists says whether the API server has the claim.
	Exists bool
	// Generation counts the changes of the claim's spec.
	Generation int64
	// Ready says whether the claim is Ready at its current generation.
	Ready bool
	// Deleting says whether the claim is going away or gone.
	Deleting bool
	// Problem is what the claim itself reports when it cannot be composed.
	Problem string
	// Parts are all parts, in the order in which studios are explained.
	Parts []Part
	// Usages is the number of deletion guards. They are not counted as
	// resources: they exist in the management cluster only.
	Usages int
	// Expected is the number of resources the claim says it will have.
	Expected int

	// Scale is how many simulated seconds pass in a real one.
	Scale float64
	// Start is when the claim was applied, Now when the snapshot was taken.
	Start, Now float64
	// Began is when that began which is watched: the claim's apply or its delete.
	Began float64
}

// Resources returns the resources of all parts, in the order of the parts.
func (s Snapshot) Resources() []Resource {
	var out []Resource
	for _, p := range s.Parts {
		out = append(out, p.Resources...)
	}
	return out
}

// Count returns how many resources are in a state.
func (s Snapshot) Count(st State) int {
	n := 0
	for _, p := range s.Parts {
		n += p.Count(st)
	}
	return n
}

// Total is the number of resources, those still to be composed included as far
// as the claim knows them.
func (s Snapshot) Total() int {
	if s.Ready || !s.Exists {
		return len(s.Resources())
	}
	return max(s.Expected, len(s.Resources()))
}

// Minutes turns a simulated time into minutes since the claim was applied.
func (s Snapshot) Minutes(t float64) float64 { return (t - s.Start) / 60 }

// Elapsed is the simulated time since what is watched began, in minutes.
func (s Snapshot) Elapsed() float64 { return (s.Now - s.Began) / 60 }

// RealSeconds is the real time since what is watched began.
func (s Snapshot) RealSeconds() float64 {
	if s.Scale == 0 {
		return 0
	}
	return (s.Now - s.Began) / s.Scale
}

// slack is how much later than its cause an effect may show, in simulated
// seconds. Conditions are cut to the second, and then the function runs and the
// provider acts.
func (s Snapshot) slack() float64 { return max(2.5*s.Scale, 15) }
