package storage

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

// compose is the part over a studio whose buckets are there once the account is
// known: everything that belongs to them is then composed.
func compose(t *testing.T, account string, mod func(*v1alpha1.ComfyUIStudioSpec)) kittest.Result {
	t.Helper()

	p := plantest.New(t, func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Models.OnDelete, s.Inputs.OnDelete, s.Outputs.OnDelete = v1alpha1.OnDeleteRetain, v1alpha1.OnDeleteRetain, v1alpha1.OnDeleteRetain

		if mod != nil {
			mod(s)
		}
	}).InAccount(account)

	observed := kit.NewObserved(nil, nil)
	if account != "" {
		observed = bucketsOf(p)
	}

	d := kit.NewDesired(p, observed)
	Compose(p, facts.Facts{}, d)

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	return r
}

// bucketsOf observes every bucket as ready.
func bucketsOf(p plan.Plan) kit.Observed {
	states := map[kit.Key]kittest.State{}
	for _, b := range plan.BucketNames() {
		states[plan.BucketKey(b, plan.BucketItself)] = kittest.Ready()
	}

	return kittest.Observe(p.Name, states)
}

func object(t *testing.T, r kittest.Result, b plan.BucketName, a plan.Aspect) map[string]any {
	t.Helper()

	o := r.Resources[plan.BucketKey(b, a)]
	if o == nil {
		t.Fatalf("%s is not composed", plan.BucketKey(b, a))
	}

	return o.Object
}

func TestWaitsForAccount(t *testing.T) {
	r := compose(t, "", nil)
	if len(r.Resources) > 0 {
		t.Errorf("Names hold the account, so nothing is made before it is known.\nCompose(...): got %v", slices.Sorted(maps.Keys(r.Resources)))
	}

	for _, b := range plan.BucketNames() {
		for _, a := range plan.BucketAspects() {
			if diff := cmp.Diff([]string{"the account id"}, r.Waiting[plan.BucketKey(b, a)]); diff != "" {
				t.Errorf("Waiting[%s]: -want, +got:\n%s", plan.BucketKey(b, a), diff)
			}
		}
	}
}

func TestPolicies(t *testing.T) {
	type want struct {
		// Bucket is what may be done to the bucket, Settings to what belongs to it.
		Bucket, Settings []string
		ForceDestroy     bool
		Name             string
	}

	keep := []string{"Create", "Observe", "Update", "LateInitialize"}

	cases := map[string]struct {
		reason string
		models v1alpha1.Models
		want   want
	}{
		"Retain": {
			reason: "A kept bucket loses nothing that protects it. LateInitialize stays, or the provider forgets what AWS named.",
			models: v1alpha1.Models{OnDelete: v1alpha1.OnDeleteRetain},
			want:   want{Bucket: keep, Settings: keep, Name: "comfyui-models-123456789012-ap-northeast-1-128572"},
		},
		"Unsaid": {
			reason: "Who does not say so deletes nothing.",
			want:   want{Bucket: keep, Settings: keep, Name: "comfyui-models-123456789012-ap-northeast-1-128572"},
		},
		"Delete": {
			reason: "A bucket that goes with the studio goes with what is in it.",
			models: v1alpha1.Models{OnDelete: v1alpha1.OnDeleteDelete},
			want:   want{Bucket: []string{"*"}, Settings: []string{"*"}, ForceDestroy: true, Name: "comfyui-models-123456789012-ap-northeast-1-128572"},
		},
		"Adopt": {
			reason: "An adopted bucket is never made: a slip in its name must not make another.",
			models: v1alpha1.Models{BucketName: "older", OnDelete: v1alpha1.OnDeleteRetain},
			want:   want{Bucket: []string{"Observe", "Update", "LateInitialize"}, Settings: keep, Name: "older"},
		},
		"AdoptAndDelete": {
			reason: "Nor when it goes with the studio.",
			models: v1alpha1.Models{BucketName: "older", OnDelete: v1alpha1.OnDeleteDelete},
			want:   want{Bucket: []string{"Observe", "Update", "Delete", "LateInitialize"}, Settings: []string{"*"}, ForceDestroy: true, Name: "older"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := compose(t, "123456789012", func(s *v1alpha1.ComfyUIStudioSpec) { s.Models = tc.models })
			itself := object(t, r, plan.Models, plan.BucketItself)

			got := want{}
			got.Bucket, _, _ = unstructured.NestedStringSlice(itself, "spec", "managementPolicies")
			got.ForceDestroy, _, _ = unstructured.NestedBool(itself, "spec", "forProvider", "forceDestroy")
			got.Name, _, _ = unstructured.NestedString(itself, "metadata", "annotations", "crossplane.io/external-name")
			got.Settings = tc.want.Settings

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}

			for _, a := range plan.BucketAspects()[1:] {
				settings, _, _ := unstructured.NestedStringSlice(object(t, r, plan.Models, a), "spec", "managementPolicies")
				if diff := cmp.Diff(tc.want.Settings, settings); diff != "" {
					t.Errorf("%s\nmanagementPolicies of %s: -want, +got:\n%s", tc.reason, plan.BucketKey(plan.Models, a), diff)
				}
			}

			// The claim said it of this bucket alone.
			others, _, _ := unstructured.NestedStringSlice(object(t, r, plan.Outputs, plan.BucketItself), "spec", "managementPolicies")
			if diff := cmp.Diff(keep, others); diff != "" {
				t.Errorf("%s\nmanagementPolicies of another bucket: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLifecycle(t *testing.T) {
	everything := []any{map[string]any{}}
	abort := map[string]any{
		"id": "abort-uploads", "status": "Enabled", "filter": everything,
		"abortIncompleteMultipartUpload": []any{map[string]any{"daysAfterInitiation": 7.0}},
	}
	expire := map[string]any{"id": "expire", "status": "Enabled", "filter": everything, "expiration": []any{map[string]any{"days": 90.0}}}
	archive := map[string]any{
		"id": "archive", "status": "Enabled", "filter": everything,
		"transition": []any{map[string]any{"days": 30.0, "storageClass": "GLACIER_IR"}},
	}

	cases := map[string]struct {
		reason  string
		outputs v1alpha1.Outputs
		want    []any
	}{
		"Default": {reason: "What a broken upload leaves is billed and shown nowhere, so it always goes; nothing else does.", want: []any{abort}},
		"Expire":  {reason: "Outputs expire when the claim says so.", outputs: v1alpha1.Outputs{ExpireAfterDays: 90}, want: []any{abort, expire}},
		"Archive": {reason: "Or become cheaper.", outputs: v1alpha1.Outputs{ArchiveAfterDays: 30}, want: []any{abort, archive}},
		"Both":    {reason: "Or both, in an order that does not change.", outputs: v1alpha1.Outputs{ExpireAfterDays: 90, ArchiveAfterDays: 30}, want: []any{abort, expire, archive}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := compose(t, "123456789012", func(s *v1alpha1.ComfyUIStudioSpec) { s.Outputs = tc.outputs })

			got, _, _ := unstructured.NestedSlice(object(t, r, plan.Outputs, plan.BucketLifecycle), "spec", "forProvider", "rule")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nrules of outputs: -want, +got:\n%s", tc.reason, diff)
			}

			for _, b := range []plan.BucketName{plan.Models, plan.Inputs} {
				got, _, _ := unstructured.NestedSlice(object(t, r, b, plan.BucketLifecycle), "spec", "forProvider", "rule")
				if diff := cmp.Diff([]any{abort}, got); diff != "" {
					t.Errorf("Only outputs expire.\nrules of %s: -want, +got:\n%s", b, diff)
				}
			}
		})
	}
}

// TestClosed holds that every bucket is shut in every way there is.
func TestClosed(t *testing.T) {
	r := compose(t, "123456789012", nil)

	for _, b := range plan.BucketNames() {
		access, _, _ := unstructured.NestedMap(object(t, r, b, plan.BucketAccess), "spec", "forProvider")
		for _, f := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"} {
			if access[f] != true {
				t.Errorf("%s: %s is %v", b, f, access[f])
			}
		}

		owner, _, _ := unstructured.NestedString(object(t, r, b, plan.BucketOwnership), "spec", "forProvider", "rule", "objectOwnership")
		if owner != "BucketOwnerEnforced" {
			t.Errorf("%s: objectOwnership is %q", b, owner)
		}

		doc, _, _ := unstructured.NestedString(object(t, r, b, plan.BucketTLS), "spec", "forProvider", "policy")

		want := `{"Version":"2012-10-17","Statement":[{"Sid":"TLSOnly","Effect":"Deny","Principal":{"AWS":"*"},"Action":["s3:*"],` +
			`"Resource":["arn:aws:s3:::comfyui-` + string(b) + `-123456789012-ap-northeast-1-128572","arn:aws:s3:::comfyui-` + string(b) +
			`-123456789012-ap-northeast-1-128572/*"],"Condition":{"Bool":{"aws:SecureTransport":["false"]}}}]}`
		if diff := cmp.Diff(want, doc); diff != "" {
			t.Errorf("policy of %s: -want, +got:\n%s", b, diff)
		}
	}
}
