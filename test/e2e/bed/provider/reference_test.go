package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// TestResolvePolicy holds when a reference that has its value is resolved again.
func TestResolvePolicy(t *testing.T) {
	cases := map[string]struct {
		reason string
		policy map[string]any
		value  string
		want   string
	}{
		"First":     {reason: "A reference without a value gets it.", want: "arn:new"},
		"Kept":      {reason: "Once resolved it keeps it, whatever becomes of the other side.", value: "arn:old", want: "arn:old"},
		"Always":    {reason: "Unless it says otherwise.", policy: map[string]any{"resolve": "Always"}, value: "arn:old", want: "arn:new"},
		"Unchanged": {reason: "Which changes nothing where nothing changed.", policy: map[string]any{"resolve": "Always"}, value: "arn:new", want: "arn:new"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			ref := map[string]any{"name": "lb"}
			if tc.policy != nil {
				ref["policy"] = tc.policy
			}
			in := cloud.Values{"loadBalancerArnRef": ref}
			if tc.value != "" {
				in["loadBalancerArn"] = tc.value
			}
			changed, err := reference{field: "loadBalancerArn", to: loadBalancer}.resolve(in, "art", func(cloud.Kind, string, string) (*unstructured.Unstructured, error) {
				u := &unstructured.Unstructured{}
				u.SetAnnotations(map[string]string{annotationName: "arn:new"})
				return u, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, in.String("loadBalancerArn")); diff != "" {
				t.Errorf("%s\nresolve(...): -want, +got:\n%s", tc.reason, diff)
			}
			if want := tc.value != tc.want; changed != want {
				t.Errorf("%s\nresolve(...): want changed %t, got %t", tc.reason, want, changed)
			}
		})
	}
}
