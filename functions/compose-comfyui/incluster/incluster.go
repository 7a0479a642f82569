// Package incluster wraps what runs in the studio's cluster for the providers
// that bring it there: a Kubernetes object in an Object of provider-kubernetes,
// a chart in a Release of provider-helm. Both are namespaced and reach the
// cluster through the studio's own ProviderConfigs, which the kit takes for a
// reference like any other: nothing is composed before its way in is there.
//
// The types are those of the providers as far as the studio uses them. Their own
// would bring other versions of k8s.io, and provider-helm's all of Helm. Tests
// hold them to the real CRDs.
package incluster

import (
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(func(s *runtime.Scheme) error {
		s.AddKnownTypeWithName(schema.GroupVersionKind{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "Object"}, &Object{})
		s.AddKnownTypeWithName(schema.GroupVersionKind{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "Release"}, &Release{})

		return nil
	})
}

// A Policy is something that a provider may do with what it manages.
type Policy string

// The policies there are.
const (
	Observe        Policy = "Observe"
	Create         Policy = "Create"
	Update         Policy = "Update"
	LateInitialize Policy = "LateInitialize"
)

// providerConfigRef names the way into the cluster.
type providerConfigRef struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// way is the reference to the studio's ProviderConfig under a key.
func way(d *kit.Desired, k kit.Key) providerConfigRef {
	return providerConfigRef{Kind: "ProviderConfig", Name: d.Ref(k).Name}
}

// diesWithCluster are the policies of what need not be taken out of a cluster
// that goes away itself. Taking it out would need a way in until the last of it
// is gone, and one object that hangs would hold up the cluster.
func diesWithCluster() []Policy { return []Policy{Create, Observe, Update, LateInitialize} }

// standard encodes what others decode by the rules of encoding/json.
var standard = wire.Standard() //nolint:gochecknoglobals // It remembers how types are laid out, which is the same for ever.

// A Manifest is an object as it is applied: its intent and nothing else. What a
// type marshals beside that, a null timestamp, an empty status, is taken for a
// difference on every comparison and applied for ever.
type Manifest struct{ Object runtime.Object }

// MarshalWire encodes it.
func (m Manifest) MarshalWire() (*structpb.Value, error) {
	v, err := standard.Value(m.Object)
	if err != nil {
		return nil, err
	}

	delete(v.GetStructValue().GetFields(), "status")
	prune(v.GetStructValue())

	return v, nil
}

// prune takes out nulls, and structs that are empty because nothing was said. An
// empty struct that says something (emptyDir: {}, a selector of everything) is
// kept by name.
func prune(s *structpb.Struct) {
	for k, v := range s.GetFields() {
		switch v := v.GetKind().(type) {
		case *structpb.Value_NullValue:
			delete(s.GetFields(), k)
		case *structpb.Value_StructValue:
			prune(v.StructValue)

			if len(v.StructValue.GetFields()) == 0 && noise[k] {
				delete(s.GetFields(), k)
			}
		case *structpb.Value_ListValue:
			for _, e := range v.ListValue.GetValues() {
				prune(e.GetStructValue())
			}
		}
	}
}

// noise are the fields of k8s.io/api that marshal as {} when nothing is said.
var noise = map[string]bool{"resources": true, "strategy": true, "status": true, "metadata": true, "loadBalancer": true, "securityContext": true} //nolint:gochecknoglobals // A constant that Go has no const for.

// kubernetesWay and helmWay are the two ways in.
func kubernetesWay(d *kit.Desired) providerConfigRef { return way(d, plan.KubernetesProvider) }
func helmWay(d *kit.Desired) providerConfigRef       { return way(d, plan.HelmProvider) }
