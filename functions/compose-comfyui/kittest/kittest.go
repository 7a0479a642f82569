// Package kittest makes the observed resources that tests of the kit, the facts
// and the parts start from.
package kittest

import (
	"encoding/json"
	"fmt"
	"maps"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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
	rs := make(map[kit.Key]*structpb.Struct, len(states))

	for k, s := range states {
		if s.Name == "" {
			s.Name = names(k)
		}

		rs[k] = s.object()
	}

	return kit.NewObserved(rs, func(_, kind string) bool { return kind == "ProviderConfig" })
}

// A Result is the kit's, with objects as plain data.
type Result struct {
	kit.Result

	Resources map[kit.Key]*unstructured.Unstructured
}

// ResultOf closes a set.
func ResultOf(d *kit.Desired) (Result, error) {
	r, err := d.Result()
	if err != nil {
		return Result{}, err
	}

	out := Result{Result: r, Resources: make(map[kit.Key]*unstructured.Unstructured, len(r.Resources))}
	for k, s := range r.Resources {
		out.Resources[k] = &unstructured.Unstructured{Object: s.AsMap()}
	}

	return out, nil
}

func (s State) object() *structpb.Struct {
	u := map[string]any{"apiVersion": "ec2.aws.m.upbound.io/v1beta1", "kind": "VPC"}
	if s.Kind != "" {
		u["apiVersion"], u["kind"] = s.APIVersion, s.Kind
	}

	meta := map[string]any{"name": s.Name, "generation": s.Generation}
	if s.Deleting {
		meta["deletionTimestamp"] = "2026-11-24T20:00:00Z"
	}

	if s.Annotations != nil {
		meta["annotations"] = s.Annotations
	}

	u["metadata"] = meta

	if spec := s.spec(); len(spec) > 0 {
		u["spec"] = spec
	}

	if s.Data != nil {
		u["data"] = s.Data
	}

	if status := s.status(); len(status) > 0 {
		u["status"] = status
	}

	return overTheWire(u)
}

func overTheWire(u map[string]any) *structpb.Struct {
	b, err := json.Marshal(u)
	if err != nil {
		panic(fmt.Sprintf("cannot observe %v: %v", u, err))
	}

	out := &structpb.Struct{}
	if err := protojson.Unmarshal(b, out); err != nil {
		panic(fmt.Sprintf("cannot observe %v: %v", u, err))
	}

	return out
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
