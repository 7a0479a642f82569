package kit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	protection "github.com/crossplane/crossplane/apis/v2/protection/v1beta1"
	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire"
)

// An Object is a typed composed resource. Parts fill its spec and nothing else.
type Object interface {
	runtime.Object
	metav1.Object
}

// An Inventory knows every composed resource there can be, and decides what is
// visible of it. The plan implements it.
type Inventory interface {
	// Known says whether the inventory lists the key.
	Known(k Key) bool
	// Name is the metadata.name of the resource: unique per key, so that a
	// reference by name tells which key it means.
	Name(k Key) string
	// ExternalName is the name we give the external resource, or empty where
	// the far side makes it.
	ExternalName(k Key) string
	// Tags are put on every resource that can carry them.
	Tags(k Key) map[string]string
	// Region goes into every resource that asks for one.
	Region() string
	// ProviderConfig is the account that every managed resource is made in.
	ProviderConfig() xpv1.ProviderConfigReference
	// Remedy tells what to change when the resource may not leave.
	Remedy(k Key) string
}

// Desired is the set that parts add to. It collects errors, so that a part
// reads as a list of resources; Result returns them.
type Desired struct {
	inventory Inventory
	observed  Observed

	composed  map[Key]*structpb.Struct
	gates     map[Key]Gate
	waiting   map[Key][]string
	removable map[Key][]Key
	lost      map[string][]Key
	uses      []use
	kinds     map[schema.GroupVersionKind]bool
	names     map[string]Key
	errs      []error
}

// NewDesired returns an empty set over what was observed.
func NewDesired(inv Inventory, o Observed) *Desired {
	return &Desired{
		inventory: inv,
		observed:  o,
		composed:  map[Key]*structpb.Struct{},
		gates:     map[Key]Gate{},
		waiting:   map[Key][]string{},
		removable: map[Key][]Key{},
		lost:      map[string][]Key{},
		kinds:     map[schema.GroupVersionKind]bool{},
		names:     map[string]Key{},
	}
}

// Add composes a resource, as soon as everything that it refers to is Ready.
func (d *Desired) Add(k Key, o Object) {
	d.AddWhen(Gate{}, k, o)
}

// AddWhen composes a resource when the gate is open and everything that it
// refers to is Ready. The order gate from the references is derived here, so a
// part states the relation once.
func (d *Desired) AddWhen(g Gate, k Key, o Object) {
	if _, twice := d.gates[k]; twice {
		d.failf("cannot compose %q: it is added twice", k)
		return
	}

	d.gates[k] = g

	if !d.inventory.Known(k) {
		d.failf("cannot compose %q: the inventory does not list it", k)
		return
	}

	s, err := d.complete(k, o)
	if err != nil {
		d.failf("cannot compose %q: %w", k, err)
		return
	}

	d.kinds[o.GetObjectKind().GroupVersionKind()] = true

	g.after = append(slices.Clone(g.after), d.references(s)...)
	slices.Sort(g.after)
	g.after = slices.Compact(g.after)
	d.gates[k] = g

	lost := g.lost()

	switch {
	case len(lost) > 0 && d.observed.Exists(k):
		// The live resource has the value; without it we would take it away.
		d.lost[lost[0]] = append(d.lost[lost[0]], k)
	case len(lost) > 0:
		d.waiting[k] = lost
	case d.observed.Exists(k):
		d.composed[k] = s
	default:
		if w := append(d.notReady(g.after), g.awaited()...); len(w) > 0 || d.observed.predecessors > 0 {
			d.waiting[k] = w
			return
		}

		d.composed[k] = s
	}
}

// Ref refers to another resource by name. The provider resolves it.
func (d *Desired) Ref(k Key) *xpv1.NamespacedReference {
	name := d.nameOf(k)
	d.names[name] = k

	return &xpv1.NamespacedReference{Name: name}
}

// Refs is Ref for several.
func (d *Desired) Refs(keys ...Key) []xpv1.NamespacedReference {
	out := make([]xpv1.NamespacedReference, 0, len(keys))
	for _, k := range keys {
		out = append(out, *d.Ref(k))
	}

	return out
}

// Use protects of from deletion while by exists, for the day the studio is
// deleted: functions do not run then, so the order must stand beforehand.
func (d *Desired) Use(of, by Key) {
	d.kinds[protection.UsageGroupVersionKind] = true
	d.uses = append(d.uses, use{of: of, by: by})
}

// RemoveAfter lets an observed resource leave that the spec no longer asks for,
// once none of users is observed any more. Resources that refer to it by name
// and Usages of it count as users without being named.
func (d *Desired) RemoveAfter(k Key, users ...Key) {
	d.removable[k] = users
}

// Observed is what the set was opened over.
func (d *Desired) Observed() Observed { return d.observed }

// nameOf prefers the observed name: Crossplane keeps it whatever we ask for.
func (d *Desired) nameOf(k Key) string {
	if name := wire.String(d.observed.resources[k], "metadata", "name"); name != "" {
		return name
	}

	return d.inventory.Name(k)
}

func (d *Desired) notReady(keys []Key) []string {
	var out []string

	for _, k := range keys {
		if !d.observed.Ready(k) {
			out = append(out, string(k))
		}
	}

	return out
}

func (d *Desired) failf(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf(format, args...))
}

// err joins what went wrong. A value that is lost is told once, however many
// resources need it.
func (d *Desired) err() error {
	const named = 3

	errs := slices.Clone(d.errs)

	for _, what := range slices.Sorted(maps.Keys(d.lost)) {
		// In an order of their own: a part may add from a map.
		keys := slices.Sorted(slices.Values(d.lost[what]))

		var names []string
		for _, k := range keys[:min(named, len(keys))] {
			names = append(names, strconv.Quote(string(k)))
		}

		who := strings.Join(names, ", ")
		if more := len(keys) - named; more > 0 {
			who += fmt.Sprintf(" and %d more", more)
		}

		errs = append(errs, fmt.Errorf("cannot compose %s: %s was known and is not any more", who, what))
	}

	return errors.Join(errs...)
}
