package kit_test

import (
	"errors"
	"maps"
	"slices"
	"strings"

	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	"github.com/crossplane/function-sdk-go/resource"
	"github.com/crossplane/function-sdk-go/resource/composed"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

func init() {
	kit.Register(ec2.AddToScheme)
	kit.Register(eks.AddToScheme)
	kit.Register(iam.AddToScheme)
	kit.Register(s3.AddToScheme)
}

// inventory knows every key that does not start with "unknown", and names the
// bucket and nothing else.
type inventory struct{}

func (inventory) Known(k kit.Key) bool  { return !strings.HasPrefix(string(k), "unknown") }
func (inventory) Name(k kit.Key) string { return "studio-" + string(k) }
func (inventory) Region() string        { return "eu-west-1" }
func (inventory) Remedy(kit.Key) string { return "put it back" }
func (inventory) ProviderConfig() xpv1.ProviderConfigReference {
	return xpv1.ProviderConfigReference{Kind: "ProviderConfig", Name: "account"}
}

func (inventory) ExternalName(k kit.Key) string {
	if k == "bucket" {
		return "a-global-name"
	}

	return ""
}

func (inventory) Tags(k kit.Key) map[string]string {
	return map[string]string{"key": string(k)}
}

// state is what a resource looks like to the function.
type state struct {
	apiVersion, kind string
	name             string
	generation       float64
	deleting         bool
	annotations      map[string]any
	spec             map[string]any
	ready, synced    map[string]any
	atProvider       any
}

// ready is a resource that is as good as it gets.
func ready() state {
	return state{ready: map[string]any{"status": "True"}, synced: map[string]any{"status": "True"}}
}

// creating is a resource that AWS is still at.
func creating() state {
	return state{ready: map[string]any{"status": "False", "reason": "Creating"}, synced: map[string]any{"status": "True"}}
}

// referring is a ready resource whose spec.forProvider holds the given.
func referring(forProvider map[string]any) state {
	s := ready()
	s.spec = map[string]any{"forProvider": forProvider}

	return s
}

// usageOf is a ready Usage that protects the resource of a name.
func usageOf(name string) state {
	s := ready()
	s.apiVersion, s.kind = "protection.crossplane.io/v1beta1", "Usage"
	s.spec = map[string]any{"of": map[string]any{"resourceRef": map[string]any{"name": name}}}

	return s
}

func ref(name string) map[string]any { return map[string]any{"name": name} }

func (s state) object(k kit.Key) resource.ObservedComposed {
	u := composed.New()
	u.SetAPIVersion("ec2.aws.m.upbound.io/v1beta1")
	u.SetKind("VPC")
	u.SetName("studio-" + string(k))

	if s.kind != "" {
		u.SetAPIVersion(s.apiVersion)
		u.SetKind(s.kind)
	}

	meta := u.Object["metadata"].(map[string]any)

	if s.name != "" {
		meta["name"] = s.name
	}

	if s.generation > 0 {
		meta["generation"] = s.generation
	}

	if s.deleting {
		meta["deletionTimestamp"] = "2026-11-24T20:00:00Z"
	}

	if s.annotations != nil {
		meta["annotations"] = s.annotations
	}

	if s.spec != nil {
		u.Object["spec"] = s.spec
	}

	var conditions []any

	for typ, c := range map[string]map[string]any{"Ready": s.ready, "Synced": s.synced} {
		if c != nil {
			c = maps.Clone(c)
			c["type"] = typ
			conditions = append(conditions, c)
		}
	}

	status := map[string]any{}
	if conditions != nil {
		status["conditions"] = conditions
	}

	if s.atProvider != nil {
		status["atProvider"] = s.atProvider
	}

	if len(status) > 0 {
		u.Object["status"] = status
	}

	return resource.ObservedComposed{Resource: u}
}

func observe(states map[kit.Key]state) kit.Observed {
	rs := make(map[resource.Name]resource.ObservedComposed, len(states))
	for k, s := range states {
		rs[resource.Name(k)] = s.object(k)
	}

	return kit.NewObserved(rs, func(_, kind string) bool { return kind == "ProviderConfig" })
}

// answer is a Result as far as tests compare it.
type answer struct {
	Composed []kit.Key
	NotReady []kit.Key
	Waiting  map[kit.Key][]string
	Leaving  map[kit.Key][]kit.Key
	Errors   []string
}

func answerOf(d *kit.Desired) answer {
	r, err := d.Result()
	if err != nil {
		return answer{Errors: strings.Split(err.Error(), "\n")}
	}

	a := answer{Composed: slices.Sorted(maps.Keys(r.Resources)), Waiting: r.Waiting, Leaving: r.Leaving}

	for _, k := range a.Composed {
		if !r.Ready[k] {
			a.NotReady = append(a.NotReady, k)
		}
	}

	return a
}

// objectOf is one desired object, as plain data.
func objectOf(d *kit.Desired, k kit.Key) (map[string]any, error) {
	r, err := d.Result()
	if err != nil {
		return nil, err
	}

	o := r.Resources[k]
	if o == nil {
		return nil, errors.New("it is not composed")
	}

	return o.Object, nil
}
