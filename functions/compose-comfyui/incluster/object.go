package incluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// An Object is provider-kubernetes' wrapper of one Kubernetes object.
type Object struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ObjectSpec `json:"spec"`
}

// ObjectSpec says which object, how it is managed and when it is ready.
type ObjectSpec struct {
	ForProvider        ObjectParameters  `json:"forProvider"`
	ManagementPolicies []Policy          `json:"managementPolicies,omitempty"`
	ProviderConfigRef  providerConfigRef `json:"providerConfigRef"`
	Readiness          *Readiness        `json:"readiness,omitempty"`
	// Watch brings a change in the cluster to the Object at once, not at the next
	// poll.
	Watch bool `json:"watch,omitempty"`
}

// ObjectParameters hold the manifest.
type ObjectParameters struct {
	Manifest Manifest `json:"manifest"`
}

// Readiness says when an Object is ready.
type Readiness struct {
	Policy   string `json:"policy"`
	CELQuery string `json:"celQuery,omitempty"`
}

// DeepCopyObject makes it a runtime.Object.
func (o *Object) DeepCopyObject() runtime.Object {
	out := *o
	o.DeepCopyInto(&out.ObjectMeta)
	out.Spec.ForProvider.Manifest.Object = o.Spec.ForProvider.Manifest.Object.DeepCopyObject()

	return &out
}

// An Option changes how an object is managed.
type Option func(*Object)

// New wraps an object of a type of k8s.io/api, or one of ours that has its kind
// filled in. It is watched, and it dies with the cluster unless Owned.
func New(d *kit.Desired, o runtime.Object, options ...Option) *Object {
	out := &Object{Spec: ObjectSpec{
		ForProvider:        ObjectParameters{Manifest: Manifest{o}},
		ManagementPolicies: diesWithCluster(),
		ProviderConfigRef:  kubernetesWay(d),
		Watch:              true,
	}}
	for _, option := range options {
		option(out)
	}

	return out
}

// Owned takes the object out of the cluster when it leaves. It is for what holds
// EC2 instances.
func Owned() Option {
	return func(o *Object) { o.Spec.ManagementPolicies = nil }
}

// ObserveOnly looks at an object that somebody else makes.
func ObserveOnly() Option {
	return func(o *Object) { o.Spec.ManagementPolicies = []Policy{Observe} }
}

// ReadyWhenObjectSays is ready when the object itself says so by its Ready condition.
func ReadyWhenObjectSays() Option {
	return func(o *Object) { o.Spec.Readiness = &Readiness{Policy: "DeriveFromObject"} }
}

// ReadyWhen is ready when a CEL expression over `object` holds.
func ReadyWhen(cel string) Option {
	return func(o *Object) { o.Spec.Readiness = &Readiness{Policy: "DeriveFromCelQuery", CELQuery: cel} }
}
