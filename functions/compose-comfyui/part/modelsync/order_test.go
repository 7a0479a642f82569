package modelsync

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestModelOrder holds what nodes read to the claim's own order, which neither the
// fetch's list nor the user data have.
func TestModelOrder(t *testing.T) {
	declare := func(paths ...string) func(*v1alpha1.ComfyUIStudioSpec) {
		return func(s *v1alpha1.ComfyUIStudioSpec) {
			for _, path := range paths {
				s.Models.Files = append(s.Models.Files, v1alpha1.ModelFile{Path: path, URL: "https://example.com/" + path, Size: 1})
			}
		}
	}
	artefacts := []kit.Key{plan.ArtefactKey(plan.BucketItself), plan.ArtefactKey(plan.BucketAccess), plan.ArtefactKey(plan.BucketOwnership)}

	cases := map[string]struct {
		reason   string
		paths    []string
		observed []kit.Key
		waiting  []string
		want     string
	}{
		"None":    {reason: "Where nothing is declared there is no order."},
		"Early":   {reason: "Nothing is put into a bucket that others could read.", paths: []string{"a/b"}, observed: artefacts[:1], waiting: []string{string(artefacts[2]), string(artefacts[1])}},
		"Listed":  {reason: "The claim's order is the nodes'.", paths: []string{"vae/z", "loras/a \"b\"", "vae/a"}, observed: artefacts, want: `{"first":["vae/z","loras/a \"b\"","vae/a"]}`},
		"Another": {reason: "Another order is another content of the same object.", paths: []string{"vae/a", "vae/z"}, observed: append(artefacts[:3:3], plan.SyncOrder), want: `{"first":["vae/a","vae/z"]}`},
		"Gone":    {reason: "It goes with the last declared model.", observed: append(artefacts[:3:3], plan.SyncOrder)},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			states := map[kit.Key]kittest.State{}
			for _, k := range tc.observed {
				states[k] = kittest.Ready()
			}

			p := newPlan(t, declare(tc.paths...))
			d := kit.NewDesired(p, kittest.Observe(p.Name, states))
			order(p, d)

			// The bucket is another part's; here it is nobody's.
			for _, k := range artefacts {
				d.RemoveAfter(k, plan.SyncOrder)
			}

			r, err := d.Result()
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.waiting, r.Waiting[plan.SyncOrder]); diff != "" {
				t.Errorf("%s\nWaiting: -want, +got:\n%s", tc.reason, diff)
			}

			var got struct {
				Spec struct {
					ForProvider struct {
						Content string `json:"content"`
					} `json:"forProvider"`
				} `json:"spec"`
			}

			if b, err := json.Marshal(r.Resources[plan.SyncOrder]); err != nil || json.Unmarshal(b, &got) != nil {
				t.Fatalf("cannot read the object: %v", err)
			}

			if diff := cmp.Diff(tc.want, got.Spec.ForProvider.Content); diff != "" {
				t.Errorf("%s\ncontent: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
