package kit_test

import (
	"errors"
	"testing"

	"github.com/crossplane/function-sdk-go/resource/composed"
	"github.com/google/go-cmp/cmp"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
)

// TestDefaults compares whole objects: whatever is in one is applied.
func TestDefaults(t *testing.T) {
	account := map[string]any{"kind": "ProviderConfig", "name": "account"}

	cases := map[string]struct {
		reason   string
		key      kit.Key
		object   kit.Object
		observed map[kit.Key]kittest.State
		want     map[string]any
	}{
		"Everything": {
			reason: "A kind that has them gets name, external name, region, tags and account, and no status.",
			key:    "bucket",
			object: &s3.Bucket{},
			want: map[string]any{
				"apiVersion": "s3.aws.m.upbound.io/v1beta1",
				"kind":       "Bucket",
				"metadata": map[string]any{
					"name":        "studio-bucket",
					"annotations": map[string]any{"crossplane.io/external-name": "a-global-name"},
				},
				"spec": map[string]any{
					"forProvider":       map[string]any{"region": "eu-west-1", "tags": map[string]any{"key": "bucket"}},
					"providerConfigRef": account,
				},
			},
		},
		"PartHasItsSay": {
			reason: "What a part sets is kept: a certificate for CloudFront is in another region.",
			key:    "vpc",
			object: &ec2.VPC{Spec: ec2.VPCSpec{ForProvider: ec2.VPCParameters_2{
				Region: new("us-east-1"),
				Tags:   map[string]*string{"own": new("tag")},
			}}},
			want: map[string]any{
				"apiVersion": "ec2.aws.m.upbound.io/v1beta1",
				"kind":       "VPC",
				"metadata":   map[string]any{"name": "studio-vpc"},
				"spec": map[string]any{
					"forProvider":       map[string]any{"region": "us-east-1", "tags": map[string]any{"own": "tag"}},
					"providerConfigRef": account,
				},
			},
		},
		"NoRegion": {
			reason: "IAM is global: its kinds have no region.",
			key:    "role",
			object: &iam.Role{},
			want: map[string]any{
				"apiVersion": "iam.aws.m.upbound.io/v1beta1",
				"kind":       "Role",
				"metadata":   map[string]any{"name": "studio-role"},
				"spec": map[string]any{
					"forProvider":       map[string]any{"tags": map[string]any{"key": "role"}},
					"providerConfigRef": account,
				},
			},
		},
		"NoTags": {
			reason: "A route has no tags.",
			key:    "route",
			object: &ec2.Route{},
			want: map[string]any{
				"apiVersion": "ec2.aws.m.upbound.io/v1beta1",
				"kind":       "Route",
				"metadata":   map[string]any{"name": "studio-route"},
				"spec": map[string]any{
					"forProvider":       map[string]any{"region": "eu-west-1"},
					"providerConfigRef": account,
				},
			},
		},
		"PlainString": {
			reason: "ClusterAuth's region is a string and no pointer.",
			key:    "auth",
			object: &eks.ClusterAuth{},
			want: map[string]any{
				"apiVersion": "eks.aws.m.upbound.io/v1beta1",
				"kind":       "ClusterAuth",
				"metadata":   map[string]any{"name": "studio-auth"},
				"spec": map[string]any{
					"forProvider":       map[string]any{"region": "eu-west-1"},
					"providerConfigRef": account,
				},
			},
		},
		"ObservedName": {
			reason:   "The name it was made with is the one it has, and Crossplane ignores any other.",
			key:      "route",
			object:   &ec2.Route{},
			observed: map[kit.Key]kittest.State{"route": {Name: "an-older-name"}},
			want: map[string]any{
				"apiVersion": "ec2.aws.m.upbound.io/v1beta1",
				"kind":       "Route",
				"metadata":   map[string]any{"name": "an-older-name"},
				"spec": map[string]any{
					"forProvider":       map[string]any{"region": "eu-west-1"},
					"providerConfigRef": account,
				},
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := kit.NewDesired(inventory{}, observe(tc.observed))
			d.Add(tc.key, tc.object)

			got, err := objectOf(d, tc.key)
			if err != nil {
				t.Fatalf("%s\nAdd(...): %v", tc.reason, err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nAdd(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestNoGlobalState holds that filling one object leaves the next alone: tags
// are pointers, and a shared one would follow the last.
func TestNoGlobalState(t *testing.T) {
	d := kit.NewDesired(inventory{}, observe(nil))
	d.Add("vpc", &ec2.VPC{})
	d.Add("role", &iam.Role{})

	for _, k := range []kit.Key{"vpc", "role"} {
		o, err := objectOf(d, k)
		if err != nil {
			t.Fatal(err)
		}

		tags, _, _ := unstructured.NestedMap(o, "spec", "forProvider", "tags")
		if diff := cmp.Diff(map[string]any{"key": string(k)}, tags); diff != "" {
			t.Errorf("tags of %s: -want, +got:\n%s", k, diff)
		}
	}
}

// stranger is a type that nobody registered.
type stranger struct {
	metav1.TypeMeta
	metav1.ObjectMeta
}

func (s *stranger) DeepCopyObject() runtime.Object { c := *s; return &c }

func TestUnregisteredType(t *testing.T) {
	d := kit.NewDesired(inventory{}, observe(nil))
	d.Add("vpc", &stranger{})

	_, err := d.Result()
	if err == nil {
		t.Fatal("A type that nobody registered cannot be composed.\nResult(): want an error, got none")
	}
}

func TestRegister(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("A scheme that cannot be filled stops the process at its start.\nRegister(...): want a panic, got none")
		}
	}()

	kit.Register(func(s *runtime.Scheme) error {
		if s != composed.Scheme {
			t.Error("Register(...): want the SDK's scheme")
		}

		return errors.New("boom")
	})
}
