package kit

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire"
)

// A Key names a composed resource within a studio. Renaming one deletes the
// resource and makes another.
type Key string

// Observed are the composed resources as Crossplane saw them before this run. It
// reads them as they came: of most, only their conditions matter.
type Observed struct {
	resources map[Key]*structpb.Struct
	// keys are sorted once: parts ask for them a dozen times in a run.
	keys     []Key
	seenOnly func(apiVersion, kind string) bool
	unless   func(apiVersion, kind, state string) bool
	ageless  func(apiVersion, kind string) bool

	predecessors int
}

// NewObserved wraps what a request holds. SeenOnly tells the kinds that have no
// Ready condition and count as ready once they exist.
func NewObserved(resources map[Key]*structpb.Struct, seenOnly func(apiVersion, kind string) bool) Observed {
	keys := make([]Key, 0, len(resources))
	for k := range resources {
		keys = append(keys, k)
	}

	slices.Sort(keys)

	return Observed{resources: resources, keys: keys, seenOnly: seenOnly}
}

// Unless returns the same set, in which a resource that says Ready is not so
// while unfinished says that of the state it reports in status.atProvider.status.
func (o Observed) Unless(unfinished func(apiVersion, kind, state string) bool) Observed {
	o.unless = unfinished
	return o
}

// Ageless returns the same set, in which a Ready of any generation counts for the
// kinds that ageless tells.
func (o Observed) Ageless(ageless func(apiVersion, kind string) bool) Observed {
	o.ageless = ageless
	return o
}

// Exists says whether the resource was observed.
func (o Observed) Exists(k Key) bool {
	_, ok := o.resources[k]
	return ok
}

// Ready says whether the resource exists and its own Ready condition is True
// for its current generation. A missing condition is not ready.
func (o Observed) Ready(k Key) bool {
	r, ok := o.resources[k]
	if !ok || deleting(r) {
		return false
	}

	apiVersion, kind := wire.Kind(r)
	if o.seenOnly != nil && o.seenOnly(apiVersion, kind) {
		return true
	}

	// That what is only looked at is not there is an answer, not a fault.
	if observeOnly(r) {
		return true
	}

	unfinished := o.unless != nil && o.unless(apiVersion, kind, wire.String(r, "status", "atProvider", "status"))

	return !unfinished && readyNow(r, o.ageless != nil && o.ageless(apiVersion, kind))
}

// Deleting says whether the resource is on its way out.
func (o Observed) Deleting(k Key) bool { return deleting(o.resources[k]) }

// AtProvider reads status.atProvider of an observed resource into the kind's
// typed observation. It reports whether there is one.
func (o Observed) AtProvider(k Key, into any) (bool, error) {
	at := wire.Get(o.resources[k], "status", "atProvider")
	if at == nil {
		return false, nil
	}

	if err := wire.Decode(at, into); err != nil {
		return true, fmt.Errorf("cannot read status.atProvider of %q: %w", k, err)
	}

	return true, nil
}

// Family are the observed keys that start with prefix, sorted.
func (o Observed) Family(prefix string) []Key {
	var out []Key

	for _, k := range o.keys {
		if strings.HasPrefix(string(k), prefix) {
			out = append(out, k)
		}
	}

	return out
}

// Keys are all observed keys, sorted.
func (o Observed) Keys() []Key { return slices.Clone(o.keys) }

// Trouble is the message of the resource's Synced or Ready condition when it
// tells of an error, else empty.
func (o Observed) Trouble(k Key) string {
	r, ok := o.resources[k]
	if !ok || observeOnly(r) {
		return ""
	}

	for _, typ := range []string{"Synced", "LastAsyncOperation", "Ready"} {
		if c := condition(r, typ); wire.String(c, "status") == "False" {
			if m := wire.String(c, "message"); m != "" {
				return m
			}
		}
	}

	return ""
}

// Data is a value in an observed Secret or ConfigMap, decoded; empty where there
// is none.
func (o Observed) Data(k Key, field string) string {
	value := wire.String(o.resources[k], "data", field)
	if _, kind := wire.Kind(o.resources[k]); kind != "Secret" {
		return value
	}

	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return ""
	}

	return string(b)
}

func deleting(r *structpb.Struct) bool { return wire.String(r, "metadata", "deletionTimestamp") != "" }

func readyNow(r *structpb.Struct, ageless bool) bool {
	ready := condition(r, "Ready")
	if wire.String(ready, "status") != "True" {
		return false
	}

	gen := wire.Get(r, "metadata", "generation").GetNumberValue()

	// The real provider writes no observedGeneration on Ready and one on Synced
	// for most kinds. A Ready of an older generation is no answer for this one.
	for _, c := range []*structpb.Struct{ready, condition(r, "Synced")} {
		if seen := wire.Get(c, "observedGeneration").GetNumberValue(); !ageless && seen != 0 && seen < gen {
			return false
		}
	}

	return true
}

// observeOnly says whether nobody but its owner changes what the resource shows.
func observeOnly(r *structpb.Struct) bool {
	policies := wire.Get(r, "spec", "managementPolicies").GetListValue().GetValues()

	return len(policies) == 1 && policies[0].GetStringValue() == "Observe"
}

func condition(r *structpb.Struct, typ string) *structpb.Struct {
	for _, c := range wire.Get(r, "status", "conditions").GetListValue().GetValues() {
		if s := c.GetStructValue(); wire.String(s, "type") == typ {
			return s
		}
	}

	return nil
}
