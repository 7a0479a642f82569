package cloud

import "time"

// A State is where a resource is in its life.
type State string

// The states of a resource.
const (
	StateCreating State = "creating"
	StateActive   State = "active"
	StateUpdating State = "updating"
	StateDeleting State = "deleting"
	StateGone     State = "gone"
)

// A Resource is a copy of what AWS knows about one resource.
type Resource struct {
	Kind   Kind
	ID     string
	Name   string
	ARN    string
	Region string
	State  State
	// Args are the arguments AWS holds, as the last accepted call gave them.
	Args Values
	// Attrs are the attributes AWS filled in.
	Attrs Values
}

// Observed is what a describe call returns: arguments and attributes.
func (r Resource) Observed() Values { return r.Args.Overlay(r.Attrs) }

// A record is a resource in the ledger. Its state follows from the clock.
type record struct {
	kind   Kind
	id     string
	name   string
	arn    string
	region string
	args   Values
	attrs  Values

	owner    Owner
	retained bool
	// nobodys resources have lost their owner without having been let go by it.
	nobodys bool
	// hidden resources are made by AWS beside another one and go with it.
	hidden bool

	created  time.Duration
	active   time.Duration // when creation ends
	ready    time.Duration // when the last update ends
	deleted  time.Duration // when a delete was accepted; zero when none was
	gone     time.Duration // when deletion ends
	took     time.Duration // what creation takes without a fault
	deleting bool
	// waiting: creation ends only after something else; notBefore when known.
	waiting bool
	// holds are what the resource keeps in place that no describe call shows.
	holds     Values
	notBefore time.Duration
}

func (r *record) state(now time.Duration) State {
	switch {
	case r.deleting && now >= r.gone:
		return StateGone
	case r.deleting:
		return StateDeleting
	case now < r.active:
		return StateCreating
	case now < r.ready:
		return StateUpdating
	}
	return StateActive
}

func (r *record) exists(now time.Duration) bool { return r.state(now) != StateGone }

func (r *record) usable(now time.Duration) bool {
	s := r.state(now)
	return s == StateActive || s == StateUpdating
}

func (r *record) view(now time.Duration) Resource {
	return Resource{
		Kind: r.kind, ID: r.id, Name: r.name, ARN: r.arn, Region: r.region,
		State: r.state(now), Args: r.args.Copy(), Attrs: r.attrs.Copy(),
	}
}

func (r *record) observed() Values { return r.args.Overlay(r.attrs) }
