package incluster

import (
	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// A Release is provider-helm's installation of one chart.
type Release struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ReleaseSpec `json:"spec"`
}

// ReleaseSpec says which chart with which values.
type ReleaseSpec struct {
	ForProvider        ReleaseParameters `json:"forProvider"`
	ManagementPolicies []Policy          `json:"managementPolicies,omitempty"`
	ProviderConfigRef  providerConfigRef `json:"providerConfigRef"`
}

// ReleaseParameters are the chart, where it goes and its values.
type ReleaseParameters struct {
	Chart     Chart  `json:"chart"`
	Namespace string `json:"namespace"`
	// Wait is always false, and said: what needs a chart's pods asks for them, and
	// an install that waits could outlive its token.
	Wait                bool   `json:"wait"`
	SkipCreateNamespace bool   `json:"skipCreateNamespace,omitempty"`
	Values              Values `json:"values"`
}

// Values are what a chart is given: a struct of ours that nobody changes.
type Values struct{ of any }

// MarshalWire encodes them.
func (v Values) MarshalWire() (*structpb.Value, error) { return standard.Value(v.of) }

// A Chart is pinned by version.
type Chart struct {
	Name       string `json:"name"`
	Repository string `json:"repository,omitempty"`
	Version    string `json:"version"`
}

// DeepCopyObject makes it a runtime.Object.
func (r *Release) DeepCopyObject() runtime.Object {
	out := *r
	r.DeepCopyInto(&out.ObjectMeta)

	return &out
}

// NewRelease installs a chart with the values that a struct of ours marshals to.
// It dies with the cluster: uninstalling needs the way in, and gains nothing.
func NewRelease(d *kit.Desired, namespace string, chart Chart, values any) *Release {
	return &Release{Spec: ReleaseSpec{
		ForProvider:        ReleaseParameters{Chart: chart, Namespace: namespace, SkipCreateNamespace: true, Values: Values{values}},
		ManagementPolicies: diesWithCluster(),
		ProviderConfigRef:  helmWay(d),
	}}
}
