package kit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
)

func TestPredecessors(t *testing.T) {
	owner := &unstructured.Unstructured{}
	owner.SetAPIVersion("example.org/v1")
	owner.SetKind("Studio")
	owner.SetName("tokyo")
	owner.SetUID("now")

	of := func(change func(*metav1.OwnerReference)) *unstructured.Unstructured {
		ref := metav1.OwnerReference{APIVersion: "example.org/v1", Kind: "Studio", Name: "tokyo", UID: "before", Controller: new(true)}
		if change != nil {
			change(&ref)
		}

		o := &unstructured.Unstructured{}
		o.SetOwnerReferences([]metav1.OwnerReference{ref})

		return o
	}
	deleting := func(o *unstructured.Unstructured) *unstructured.Unstructured {
		o.SetDeletionTimestamp(new(metav1.Now()))
		return o
	}
	ours := func(r *metav1.OwnerReference) { r.UID = "now" }

	cases := map[string]struct {
		reason string
		found  []*unstructured.Unstructured
		want   int
	}{
		"None":         {reason: "Nobody was there before."},
		"Deleting":     {reason: "It is on its way out.", found: []*unstructured.Unstructured{deleting(of(nil)), deleting(of(nil))}, want: 2},
		"NotYet":       {reason: "The garbage collector will come to it.", found: []*unstructured.Unstructured{of(nil)}, want: 1},
		"OtherVersion": {reason: "A kind is one in all its versions.", found: []*unstructured.Unstructured{of(func(r *metav1.OwnerReference) { r.APIVersion = "example.org/v2" })}, want: 1},
		"Ours":         {reason: "What is the owner's own is no predecessor's.", found: []*unstructured.Unstructured{of(ours)}},
		"OursDeleting": {reason: "Nor is anything built on it while it goes.", found: []*unstructured.Unstructured{deleting(of(ours))}, want: 1},
		"SetFree":      {reason: "What has no owner was left on purpose and is taken over.", found: []*unstructured.Unstructured{{}}},
		"SetFreeAndDeleted": {
			reason: "It was left and deleted later.", found: []*unstructured.Unstructured{deleting(&unstructured.Unstructured{Object: map[string]any{}})}, want: 1,
		},
		"OtherKind":  {reason: "The label does not tell kinds apart.", found: []*unstructured.Unstructured{of(func(r *metav1.OwnerReference) { r.Kind = "Database" })}},
		"OtherGroup": {reason: "Nor groups.", found: []*unstructured.Unstructured{of(func(r *metav1.OwnerReference) { r.APIVersion = "example.com/v1" })}},
		"OtherName":  {reason: "It is another's.", found: []*unstructured.Unstructured{of(func(r *metav1.OwnerReference) { r.Name = "osaka" })}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := kit.Predecessors(owner, tc.found); got != tc.want {
				t.Errorf("%s\nPredecessors(...): want %d, got %d", tc.reason, tc.want, got)
			}
		})
	}
}

func TestBehind(t *testing.T) {
	cases := map[string]struct {
		reason   string
		observed map[kit.Key]kittest.State
		left     int
		want     answer
	}{
		"Gone": {
			reason: "Nothing is left, so nothing waits.",
			want:   answer{Composed: []kit.Key{"bucket"}, NotReady: []kit.Key{"bucket"}, Waiting: map[kit.Key][]string{"subnet": {"vpc"}}},
		},
		"Left": {
			reason: "Nothing new is made, not even what waits for nothing.",
			left:   1,
			want:   answer{Waiting: map[kit.Key][]string{"bucket": nil, "subnet": {"vpc"}}},
		},
		"Seen": {
			reason:   "What exists stays desired, whatever else is left.",
			observed: map[kit.Key]kittest.State{"bucket": kittest.Ready()},
			left:     1,
			want:     answer{Composed: []kit.Key{"bucket"}, Waiting: map[kit.Key][]string{"subnet": {"vpc"}}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := kit.NewDesired(inventory{}, observe(tc.observed).Behind(tc.left))
			d.Add("bucket", &s3.Bucket{})
			d.Add("subnet", subnet(d))

			if diff := cmp.Diff(tc.want, answerOf(d), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nBehind(%d): -want, +got:\n%s", tc.reason, tc.left, diff)
			}
		})
	}
}

// TestKinds holds that the kinds of what waits are known as well: a predecessor's
// are looked for before anything is composed.
func TestKinds(t *testing.T) {
	d := kit.NewDesired(inventory{}, observe(nil))
	d.Add("vpc", &ec2.VPC{})
	d.AddWhen(kit.Needs("", "the account id"), "bucket", &s3.Bucket{})
	d.AddWhen(kit.After("bucket"), "other-bucket", &s3.Bucket{})
	d.Use("vpc", "bucket")

	want := []schema.GroupVersionKind{
		{Group: "ec2.aws.m.upbound.io", Version: "v1beta1", Kind: "VPC"},
		{Group: "protection.crossplane.io", Version: "v1beta1", Kind: "Usage"},
		{Group: "s3.aws.m.upbound.io", Version: "v1beta1", Kind: "Bucket"},
	}
	if diff := cmp.Diff(want, d.Kinds()); diff != "" {
		t.Errorf("Kinds(): -want, +got:\n%s", diff)
	}
}
