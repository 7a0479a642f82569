// Package kittest makes the observed resources that tests of the kit, the facts
// and the parts start from.
package kittest

import (
	"maps"

	"github.com/crossplane/function-sdk-go/resource"
	"github.com/crossplane/function-sdk-go/resource/composed"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// State is what a resource looks like to the function. What is left out is not
// there; the kind is VPC, since most tests do not care.
type State struct {
	APIVersion, Kind string
	// Name is metadata.name, where it is not the one that the inventory gives.
	Name        string
	Generation  int64
	Deleting    bool
	Annotations map[string]any
	// ForProvider is spec.forProvider, Spec what else the spec holds.
	ForProvider, Spec map[string]any
	// Ready and Synced are conditions without their type.
	Ready, Synced map[string]any
	AtProvider    any
	// Data is that of a Secret or ConfigMap.
	Data map[string]any
}

// Ready is a resource that is as good as it gets.
func Ready() State { return ReadyAt(nil) }

// ReadyAt is a ready resource of which AWS tells the given.
func ReadyAt(atProvider any) State {
	return State{Ready: map[string]any{"status": "True"}, Synced: map[string]any{"status": "True"}, AtProvider: atProvider}
}

// Creating is a resource that AWS is still at.
func Creating() State {
	return State{Ready: map[string]any{"status": "False", "reason": "Creating"}, Synced: map[string]any{"status": "True"}}
}

// Referring is a ready resource with the given spec.forProvider.
func Referring(forProvider map[string]any) State {
	s := Ready()
	s.ForProvider = forProvider

	return s
}

// UsageOf is a ready Usage that protects the resource of a name.
func UsageOf(name string) State {
	s := Ready()
	s.APIVersion, s.Kind = "protection.crossplane.io/v1beta1", "Usage"
	s.Spec = map[string]any{"of": map[string]any{"resourceRef": Ref(name)}}

	return s
}

// Ref is a reference to a resource by its name.
func Ref(name string) map[string]any { return map[string]any{"name": name} }

// Observe is a set of resources that are called what names says. ProviderConfig
// is a kind without a Ready condition.
func Observe(names func(k kit.Key) string, states map[kit.Key]State) kit.Observed {
	rs := make(map[resource.Name]resource.ObservedComposed, len(states))

	for k, s := range states {
		if s.Name == "" {
			s.Name = names(k)
		}

		rs[resource.Name(k)] = resource.ObservedComposed{Resource: s.object()}
	}

	return kit.NewObserved(rs, func(_, kind string) bool { return kind == "ProviderConfig" })
}

func (s State) object() *composed.Unstructured {
	u := composed.New()
	u.SetAPIVersion("ec2.aws.m.upbound.io/v1beta1")
	u.SetKind("VPC")

	if s.Kind != "" {
		u.SetAPIVersion(s.APIVersion)
		u.SetKind(s.Kind)
	}

	// Numbers come over the wire as doubles.
	meta := map[string]any{"name": s.Name, "generation": float64(s.Generation)}
	if s.Deleting {
		meta["deletionTimestamp"] = "2026-11-24T20:00:00Z"
	}

	if s.Annotations != nil {
		meta["annotations"] = s.Annotations
	}

	u.Object["metadata"] = meta

	if spec := s.spec(); len(spec) > 0 {
		u.Object["spec"] = spec
	}

	if s.Data != nil {
		u.Object["data"] = s.Data
	}

	if status := s.status(); len(status) > 0 {
		u.Object["status"] = status
	}

	return u
}

func (s State) spec() map[string]any {
	out := map[string]any{}
	maps.Copy(out, s.Spec)

	if s.ForProvider != nil {
		out["forProvider"] = s.ForProvider
	}

	return out
}

func (s State) status() map[string]any {
	out := map[string]any{}

	if s.AtProvider != nil {
		out["atProvider"] = s.AtProvider
	}

	var conditions []any

	for _, c := range []struct {
		typ    string
		fields map[string]any
	}{{"Ready", s.Ready}, {"Synced", s.Synced}} {
		if c.fields == nil {
			continue
		}

		condition := map[string]any{"type": c.typ}
		maps.Copy(condition, c.fields)

		conditions = append(conditions, condition)
	}

	if conditions != nil {
		out["conditions"] = conditions
	}

	return out
}
