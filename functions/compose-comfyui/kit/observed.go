package kit

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/crossplane/function-sdk-go/resource"
	"github.com/crossplane/function-sdk-go/resource/composed"
)

// A Key names a composed resource within a studio. Renaming one deletes the
// resource and makes another.
type Key string

// Observed are the composed resources as Crossplane saw them before this run.
type Observed struct {
	resources map[resource.Name]resource.ObservedComposed
	// keys are sorted once: parts ask for them a dozen times in a run.
	keys     []Key
	seenOnly func(apiVersion, kind string) bool
	unless   func(apiVersion, kind, state string) bool
	ageless  func(apiVersion, kind string) bool

	predecessors int
}

// NewObserved wraps what a request holds. SeenOnly tells the kinds that have no
// Ready condition and count as ready once they exist.
func NewObserved(resources map[resource.Name]resource.ObservedComposed, seenOnly func(apiVersion, kind string) bool) Observed {
	keys := make([]Key, 0, len(resources))
	for k := range resources {
		keys = append(keys, Key(k))
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
	_, ok := o.resources[resource.Name(k)]
	return ok
}

// Ready says whether the resource exists and its own Ready condition is True
// for its current generation. A missing condition is not ready.
func (o Observed) Ready(k Key) bool {
	r, ok := o.resources[resource.Name(k)]
	if !ok || r.Resource.GetDeletionTimestamp() != nil {
		return false
	}

	if o.seenOnly != nil && o.seenOnly(r.Resource.GetAPIVersion(), r.Resource.GetKind()) {
		return true
	}

	// That what is only looked at is not there is an answer, not a fault.
	if observeOnly(r.Resource.Object) {
		return true
	}

	return o.readyNow(r.Resource) && !o.unfinished(r.Resource)
}

func (o Observed) unfinished(r *composed.Unstructured) bool {
	if o.unless == nil {
		return false
	}

	status, _ := r.Object["status"].(map[string]any)
	at, _ := status["atProvider"].(map[string]any)
	state, _ := at["status"].(string)

	return o.unless(r.GetAPIVersion(), r.GetKind(), state)
}

// Deleting says whether the resource is on its way out.
func (o Observed) Deleting(k Key) bool {
	r, ok := o.resources[resource.Name(k)]
	return ok && r.Resource.GetDeletionTimestamp() != nil
}

// AtProvider reads status.atProvider of an observed resource into the kind's
// typed observation. It reports whether there is one.
func (o Observed) AtProvider(k Key, into any) (bool, error) {
	r, ok := o.resources[resource.Name(k)]
	if !ok {
		return false, nil
	}

	status, _ := r.Resource.Object["status"].(map[string]any)

	at, ok := status["atProvider"]
	if !ok {
		return false, nil
	}

	// Through JSON, because protobuf knows one number type only and the typed
	// observations know several.
	b, err := json.Marshal(at)
	if err != nil {
		return true, fmt.Errorf("cannot read status.atProvider of %q: %w", k, err)
	}

	if err := json.Unmarshal(b, into); err != nil {
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
	r, ok := o.resources[resource.Name(k)]
	if !ok || observeOnly(r.Resource.Object) {
		return ""
	}

	for _, typ := range []string{"Synced", "LastAsyncOperation", "Ready"} {
		if c := condition(r.Resource.Object, typ); c != nil && c["status"] == "False" {
			if m, _ := c["message"].(string); m != "" {
				return m
			}
		}
	}

	return ""
}

// Data is a value in an observed Secret or ConfigMap, decoded; empty where there
// is none.
func (o Observed) Data(k Key, field string) string {
	r, ok := o.resources[resource.Name(k)]
	if !ok {
		return ""
	}

	data, _ := r.Resource.Object["data"].(map[string]any)
	value, _ := data[field].(string)

	if r.Resource.GetKind() != "Secret" {
		return value
	}

	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return ""
	}

	return string(b)
}

// object is the observed resource as it came.
func (o Observed) object(k Key) (*composed.Unstructured, bool) {
	r, ok := o.resources[resource.Name(k)]
	return r.Resource, ok
}

func (o Observed) readyNow(r *composed.Unstructured) bool {
	obj := r.Object

	ready := condition(obj, "Ready")
	if ready == nil || ready["status"] != "True" {
		return false
	}

	if o.ageless != nil && o.ageless(r.GetAPIVersion(), r.GetKind()) {
		return true
	}

	gen := generation(obj["metadata"], "generation")

	// The real provider writes no observedGeneration on Ready and one on Synced
	// for most kinds. A Ready of an older generation is no answer for this one.
	for _, c := range []map[string]any{ready, condition(obj, "Synced")} {
		if seen := generation(c, "observedGeneration"); seen != 0 && seen < gen {
			return false
		}
	}

	return true
}

// observeOnly says whether nobody but its owner changes what the resource shows.
func observeOnly(obj map[string]any) bool {
	spec, _ := obj["spec"].(map[string]any)
	policies, _ := spec["managementPolicies"].([]any)

	return len(policies) == 1 && policies[0] == "Observe"
}

func condition(obj map[string]any, typ string) map[string]any {
	status, _ := obj["status"].(map[string]any)
	list, _ := status["conditions"].([]any)

	for _, e := range list {
		if c, _ := e.(map[string]any); c["type"] == typ {
			return c
		}
	}

	return nil
}

// generation reads a whole number that may have come as a protobuf double.
func generation(from any, field string) int64 {
	m, _ := from.(map[string]any)

	switch v := m[field].(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}

	return 0
}
