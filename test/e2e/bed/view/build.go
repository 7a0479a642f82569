package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	annotationKey    = "crossplane.io/composition-resource-name"
	annotationExtern = "crossplane.io/external-name"
	labelComposite   = "crossplane.io/composite"
	reasonDisabled   = "Disabled"
)

// PartNames returns the parts of a studio in the order in which they are shown:
// what comes later stands on what comes before.
func PartNames() []string {
	return []string{"network", "cluster", "capacity", "storage", "modelsync", "image", "workload", "edge"}
}

// An Observation is what the API server and the ledger said at one moment.
type Observation struct {
	Namespace, Name string
	// Claim is nil when the API server does not have it.
	Claim *unstructured.Unstructured
	// Composed are the composed resources, Usages included.
	Composed []*unstructured.Unstructured
	Ledger   Ledger
	// At is the real time at which the ledger was read.
	At time.Time
	// Start is when the claim was applied, if the caller knows that better than
	// the claim's own timestamp, which is cut to the second.
	Start float64
	// Deleted is when the claim was deleted, if it was.
	Deleted float64
	// Known are the keys of resources that were seen before. It says what an
	// entry of the ledger was once its object has gone.
	Known map[ID]string
}

// sim turns a real time into a simulated one.
func (o Observation) sim(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, o.Ledger.Now-o.At.Sub(t).Seconds()*o.Ledger.Scale)
}

// Build makes the Snapshot of an Observation.
func Build(o Observation) Snapshot {
	s := Snapshot{Namespace: o.Namespace, Name: o.Name, Scale: o.Ledger.Scale, Now: o.Ledger.Now, Start: o.Start}
	var status map[string]condition
	if o.Claim != nil {
		status = conditions(o.Claim)
		readClaim(&s, o, status)
	}
	resources, usages := readComposed(o, s.Start)
	s.Usages = usages
	s.Deleting = s.Deleting || (o.Claim == nil && len(o.Known) > 0)
	resources = append(resources, readLeft(o, resources, s.Deleting)...)
	if s.Start == 0 {
		s.Start = earliest(resources, s.Now)
	}
	s.Began = cmp.Or(o.Deleted, s.Start)
	s.Parts = parts(s, resources, status)
	return s
}

func readClaim(s *Snapshot, o Observation, status map[string]condition) {
	s.Exists, s.Generation = true, o.Claim.GetGeneration()
	s.Deleting = o.Claim.GetDeletionTimestamp() != nil
	s.Region, _, _ = unstructured.NestedString(o.Claim.Object, "spec", "region")
	total, _, _ := unstructured.NestedInt64(o.Claim.Object, "status", "resources", "total")
	s.Expected = int(total)
	if s.Start == 0 {
		s.Start = o.sim(o.Claim.GetCreationTimestamp().Time)
	}
	ready := status["Ready"]
	s.Ready = ready.isTrue() && current(o.Claim, ready) && !s.Deleting
	if synced := status["Synced"]; synced.isFalse() {
		s.Problem = oneLine(synced.Message)
	}
}

// readComposed turns the composed objects into resources and counts the Usages.
func readComposed(o Observation, start float64) ([]Resource, int) {
	entries := o.Ledger.latest()
	byName := map[string][]ID{}
	for _, u := range o.Composed {
		byName[u.GetName()] = append(byName[u.GetName()], idOf(u))
	}
	var out []Resource
	usages := 0
	for _, u := range o.Composed {
		if u.GetKind() == kindUsage {
			usages++
			continue
		}
		r := Resource{ID: idOf(u), Key: u.GetAnnotations()[annotationKey], External: u.GetAnnotations()[annotationExtern]}
		r.Part = partOf(r.Key)
		r.State, r.Message = stateOf(u)
		r.References = resolve(r.ID, mentions(u), byName)
		clock(&r, u, entries[r.ID], o, start)
		out = append(out, r)
	}
	return out, usages
}

// clock sets a resource's times: the ledger's where it has an entry, else the
// API server's, which are cut to the second.
func clock(r *Resource, u *unstructured.Unstructured, e Entry, o Observation, start float64) {
	composed := max(o.sim(u.GetCreationTimestamp().Time), start)
	switch {
	case e.Created == 0:
		r.Created = composed
		if r.State == Ready {
			r.Active = max(composed, o.sim(conditions(u)["Ready"].Since))
		}
	case e.Created < start-max(2*o.Ledger.Scale, 15):
		r.Adopted, r.Created, r.Active = true, composed, composed
	default:
		r.Created, r.Active, r.Deleted = e.Created, e.Active, e.Deleted
	}
	if r.State == Ready {
		r.Shown = max(r.Active, o.sim(conditions(u)["Ready"].Since))
	}
	if e.Retained {
		r.External = cmp.Or(r.External, e.ExternID)
	}
}

// readLeft finds what the ledger still has of resources whose objects are gone;
// of a studio that goes away, also what it had.
func readLeft(o Observation, composed []Resource, deleting bool) []Resource {
	have := map[ID]bool{}
	for _, r := range composed {
		have[r.ID] = true
	}
	var out []Resource
	entries := o.Ledger.latest()
	for id, key := range o.Known {
		if have[id] {
			continue
		}
		e := entries[id]
		r := Resource{ID: id, Key: key, Part: partOf(key), State: Gone, Created: e.Created, Active: e.Active, Deleted: e.Deleted, External: e.ExternID}
		switch {
		case e.Created == 0 || e.Gone():
		case e.Retained:
			r.State = Kept
		default:
			r.State = Deleting
		}
		if deleting || r.State != Gone {
			out = append(out, r)
		}
	}
	return out
}

func parts(s Snapshot, resources []Resource, status map[string]condition) []Part {
	slices.SortFunc(resources, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), strings.Compare(a.Key, b.Key), strings.Compare(a.Name, b.Name))
	})
	names := PartNames()
	for _, r := range resources {
		if !slices.Contains(names, r.Part) {
			names = append(names, r.Part)
		}
	}
	out := make([]Part, 0, len(names))
	for _, name := range names {
		p := Part{Name: name}
		for _, r := range resources {
			if r.Part == name {
				p.Resources = append(p.Resources, r)
			}
		}
		c, told := partCondition(status, name)
		switch {
		case c.Reason == reasonDisabled:
			p.Waits = "switched off by the claim"
		case told && !c.isTrue():
			p.Waits = oneLine(c.Message)
		}
		p.State = partState(p, c, told, s)
		out = append(out, p)
	}
	return out
}

// partCondition finds a part's condition, named like NetworkReady.
func partCondition(status map[string]condition, part string) (condition, bool) {
	for typ, c := range status {
		if strings.EqualFold(typ, part+"Ready") {
			return c, true
		}
	}
	return condition{}, false
}

// partState sums up a part: a resource that fails or goes away speaks for all.
func partState(p Part, c condition, told bool, s Snapshot) State {
	n := len(p.Resources)
	gone := p.Count(Gone) + p.Count(Kept)
	switch {
	case n == 0 && (c.Reason == reasonDisabled || s.Deleting):
		return Absent
	case n == 0:
		return Waiting
	case gone == n && p.Count(Kept) > 0:
		return Kept
	case gone == n:
		return Gone
	case p.Count(Deleting)+gone > 0:
		return Deleting
	case p.Count(Failing) > 0:
		return Failing
	case p.Count(Ready) == n && (c.isTrue() || !told):
		// Ready resources do not make a part: its condition knows what is still
		// to be composed.
		return Ready
	}
	return Creating
}

func earliest(resources []Resource, otherwise float64) float64 {
	first := otherwise
	for _, r := range resources {
		if r.Created > 0 {
			first = min(first, r.Created)
		}
	}
	return first
}

func idOf(u *unstructured.Unstructured) ID {
	return ID{u.GroupVersionKind().Group, u.GetKind(), u.GetNamespace(), u.GetName()}
}

func partOf(key string) string {
	part, _, _ := strings.Cut(key, "-")
	return cmp.Or(part, "other")
}
