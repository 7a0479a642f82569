package kit

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// OwnerLabel holds the name of the composite resource that a resource was
// composed by. It tells neither its kind nor its UID.
const OwnerLabel = "crossplane.io/composite"

// Predecessors counts the resources that an owner of the same kind and name has
// left behind and that are on their way out: those being deleted, and those that
// the garbage collector will delete because their owner is not there any more.
// What was set free on purpose has no owner; it is taken over, unless somebody has
// deleted it since.
func Predecessors(owner *unstructured.Unstructured, found []*unstructured.Unstructured) int {
	n := 0

	for _, o := range found {
		deleting := o.GetDeletionTimestamp() != nil

		switch c := metav1.GetControllerOf(o); {
		case c == nil && deleting:
			n++
		case c == nil:
		case c.Kind != owner.GetKind() || groupOf(c.APIVersion) != groupOf(owner.GetAPIVersion()) || c.Name != owner.GetName():
		case c.UID != owner.GetUID() || deleting:
			n++
		}
	}

	return n
}

func groupOf(apiVersion string) string {
	group, _, _ := strings.Cut(apiVersion, "/")

	return group
}

// Behind returns the same set, behind n resources of a predecessor. Nothing new is
// composed before they are gone. Crossplane gives what it applies a new owner, so
// it would take over from the garbage collector what that has not come to yet, and
// let it stand on what goes: what refers to a resource that is being deleted keeps
// that from going, and waits for another, for ever.
func (o Observed) Behind(n int) Observed {
	o.predecessors = n
	return o
}

// Predecessors is how many resources of a predecessor are left.
func (o Observed) Predecessors() int { return o.predecessors }

// Kinds are the kinds of everything that was added, waiting or not, and of Usages.
func (d *Desired) Kinds() []schema.GroupVersionKind {
	out := slices.Collect(maps.Keys(d.kinds))
	slices.SortFunc(out, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })

	return out
}
