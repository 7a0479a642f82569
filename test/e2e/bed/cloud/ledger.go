package cloud

import (
	"slices"
	"strings"
)

// A Ledger is what exists and existed in AWS. All times are simulated seconds
// since the account was made.
type Ledger struct {
	Scale   float64 `json:"scale"`
	Now     float64 `json:"now"`
	Entries []Entry `json:"entries"`
}

// An Entry is one resource and the managed resource that owns it.
type Entry struct {
	Kind      string `json:"kind"`
	Group     string `json:"group"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	ID        string `json:"id"`
	ARN       string `json:"arn"`
	Region    string `json:"region"`
	State     State  `json:"state"`
	// Created is when AWS accepted the request, Active when the resource is
	// usable, Deleted when it was or will be gone. Zero: not known.
	Created float64 `json:"created"`
	Active  float64 `json:"active"`
	Deleted float64 `json:"deleted"`
	// Retained: the managed resource went and left this behind on purpose.
	Retained bool `json:"retained"`
}

// Ledger lists all resources managed resources ever owned, in the order of
// creation. What AWS makes beside them is not listed.
func (a *AWS) Ledger() Ledger {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	a.advance(now)
	l := Ledger{Scale: a.clock.Scale(), Now: now.Seconds(), Entries: []Entry{}}
	for _, r := range a.records {
		if r.hidden {
			continue
		}
		e := Entry{
			Kind: r.kind.Name, Group: r.kind.Group(), Namespace: r.owner.Namespace, Name: r.owner.Name,
			ID: r.id, ARN: r.arn, Region: r.region, State: r.state(now), Created: r.created.Seconds(), Retained: r.retained,
		}
		if r.active != Never && now >= r.active {
			e.Active = r.active.Seconds()
		}
		if e.State == StateGone {
			e.Deleted = r.gone.Seconds()
		}
		l.Entries = append(l.Entries, e)
	}
	return l
}

// Left lists what still exists.
func (l Ledger) Left() []Entry {
	return slices.DeleteFunc(slices.Clone(l.Entries), func(e Entry) bool { return e.State == StateGone })
}

// A CallCount counts what one managed resource cost AWS.
type CallCount struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Calls by operation.
	Create  int `json:"create"`
	Observe int `json:"observe"`
	Update  int `json:"update"`
	Delete  int `json:"delete"`
	// Refused are the calls that AWS refused, injected faults not included.
	Refused int `json:"refused"`
	// Injected are the calls that a fault refused.
	Injected int `json:"injected"`
	// Waits are the reconciles that ended in an unresolved reference.
	Waits int `json:"waits"`
	// LastRefusal is what AWS said.
	LastRefusal string `json:"lastRefusal,omitempty"`
}

// Calls is the number of calls to AWS.
func (c CallCount) Calls() int { return c.Create + c.Observe + c.Update + c.Delete }

type callKey struct {
	kind  Kind
	owner Owner
}

func (a *AWS) counter(k Kind, o Owner) *CallCount {
	key := callKey{k, o}
	if a.calls[key] == nil {
		a.calls[key] = &CallCount{Group: k.Group(), Kind: k.Name, Namespace: o.Namespace, Name: o.Name}
	}
	return a.calls[key]
}

func (a *AWS) count(c Call, op Operation, err error) {
	n := a.counter(c.Kind, c.Owner)
	switch op {
	case OpCreate:
		n.Create++
	case OpObserve:
		n.Observe++
	case OpUpdate:
		n.Update++
	case OpDelete:
		n.Delete++
	case OpStatus: // No call to AWS.
	}
	r, ok := err.(*Refusal) //nolint:errorlint // calls return refusals unwrapped
	switch {
	case !ok || r.Code == codeNotFound && op != OpUpdate:
		// To observe or to delete what is not there is an answer.
	case r.Injected:
		n.Injected++
	default:
		n.Refused++
		n.LastRefusal = r.Error()
	}
}

// NoteWait counts a reconcile that ended in an unresolved reference.
func (a *AWS) NoteWait(k Kind, o Owner) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counter(k, o).Waits++
}

// Calls counts the calls per managed resource, in the order of their names.
func (a *AWS) Calls() []CallCount {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]CallCount, 0, len(a.calls))
	for _, c := range a.calls {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y CallCount) int {
		return strings.Compare(x.Namespace+"/"+x.Name+"/"+x.Group+"/"+x.Kind, y.Namespace+"/"+y.Name+"/"+y.Group+"/"+y.Kind)
	})
	return out
}

// ResetCalls starts counting anew.
func (a *AWS) ResetCalls() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.calls)
}
