package kit

import (
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire"
)

// A Result is the whole answer: what is desired, and what is not there yet.
type Result struct {
	// Resources are the desired objects.
	Resources map[Key]*structpb.Struct
	// Ready tells which of them are ready.
	Ready map[Key]bool
	// Waiting are resources not composed yet, with what they wait for: keys,
	// or values in words. Sorted.
	Waiting map[Key][]string
	// Leaving are resources that the spec dropped and that something still
	// uses.
	Leaving map[Key][]Key
	// After lists, for every resource that a part added, the keys that had to
	// be Ready first, and Needs the values and what else had to happen.
	After map[Key][]Key
	Needs map[Key][]string
}

// Result closes the set. Its error joins everything that went wrong.
func (d *Desired) Result() (Result, error) {
	leaving := d.leave()
	d.addUsages(leaving)

	if err := d.err(); err != nil {
		return Result{}, err
	}

	r := Result{
		Resources: d.composed,
		Ready:     make(map[Key]bool, len(d.composed)),
		Waiting:   d.waiting,
		Leaving:   leaving,
		After:     make(map[Key][]Key, len(d.gates)),
		Needs:     make(map[Key][]string, len(d.gates)),
	}

	for k := range d.composed {
		r.Ready[k] = d.observed.Ready(k)
	}

	for k, g := range d.gates {
		r.After[k] = g.after

		for _, v := range slices.Concat(g.values, g.until) {
			r.Needs[k] = append(r.Needs[k], v.what)
		}
	}

	return r, nil
}

// leave decides about every observed resource that no part added. Crossplane
// deletes what is missing before it applies anything, in random order, so a
// resource goes only when nothing that uses it is observed any more. What was
// asked to go is not observed from the next run on, however long it takes: this
// orders what is asked for, and AWS or a finalizer holds the rest (docs/adr/0007).
func (d *Desired) leave() map[Key][]Key {
	leaving := map[Key][]Key{}

	for _, k := range d.observed.Keys() {
		if d.composed[k] != nil || strings.HasPrefix(string(k), UsagePrefix) {
			continue
		}

		users, ok := d.removable[k]
		if !ok {
			// With an error of its own it is named already.
			if _, added := d.gates[k]; !added {
				d.failf("cannot leave out %q: it exists, and %s", k, d.inventory.Remedy(k))
			}

			continue
		}

		if still := d.usersOf(k, users); len(still) > 0 {
			d.composed[k] = d.hold(k)
			leaving[k] = still
		}
	}

	return leaving
}

// usersOf are the resources that k must outlive: observed ones, and those that
// this run makes, since Crossplane deletes before it applies.
func (d *Desired) usersOf(k Key, declared []Key) []Key {
	var out []Key

	for _, u := range declared {
		if d.observed.Exists(u) {
			out = append(out, u)
		}
	}

	name := d.nameOf(k)

	for _, other := range d.observed.Keys() {
		o := d.observed.resources[other]
		if other != k && (slices.Contains(referencedNames(o), name) || usageOf(o) == name) {
			out = append(out, other)
		}
	}

	for other, o := range d.composed {
		if other != k && slices.Contains(referencedNames(o), name) {
			out = append(out, other)
		}
	}

	slices.Sort(out)

	return slices.Compact(out)
}

// hold keeps a resource as it is: the spec that made it is gone, so what was
// observed is all there is to go by. It lives only until its users are gone.
func (d *Desired) hold(k Key) *structpb.Struct {
	o := d.observed.resources[k]
	metadata := &structpb.Struct{Fields: map[string]*structpb.Value{"name": wire.Get(o, "metadata", "name")}}

	// A name that we gave is ours to keep giving: without it the provider would
	// look for a resource of another name.
	if name := d.inventory.ExternalName(k); name != "" {
		metadata.Fields["annotations"] = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			meta.AnnotationKeyExternalName: structpb.NewStringValue(name),
		}})
	}

	out := &structpb.Struct{Fields: map[string]*structpb.Value{
		"apiVersion": o.GetFields()["apiVersion"],
		"kind":       o.GetFields()["kind"],
		"metadata":   structpb.NewStructValue(metadata),
	}}
	if spec := wire.Get(o, "spec"); spec.GetStructValue() != nil {
		out.Fields["spec"] = spec
	}

	// What was observed is Crossplane's.
	held, _ := proto.Clone(out).(*structpb.Struct)

	return held
}

// usageOf is the name that a Usage protects, or empty.
func usageOf(s *structpb.Struct) string {
	if _, kind := wire.Kind(s); kind != "Usage" {
		return ""
	}

	return wire.String(s, "spec", "of", "resourceRef", "name")
}
