package facts

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestRebuilt holds that a rebuild changes no server until the claim takes it, and
// that a claim which takes what cannot be pulled changes none either.
func TestRebuilt(t *testing.T) {
	hash := imagePlan(t, v1alpha1.ComfyUIStudioSpec{}).ContextHash(plan.BuildComfyUI)
	first := map[string]any{"state": "done", "digest": "sha256:1"}
	offers := map[string]any{"state": "done", "digest": "sha256:1", "rebuilt": hash + "-20261207@sha256:2", "earlier": "sha256:1"}
	next := map[string]any{"state": "done", "digest": "sha256:1", "rebuilt": hash + "-20261214@sha256:3", "earlier": "sha256:2"}

	type want struct{ Digest, Rebuilt string }

	cases := map[string]struct {
		reason string
		marker map[string]any
		off    bool
		use    string
		runs   string
		want   want
	}{
		"First":       {reason: "Nothing is offered before a rebuild.", marker: first, want: want{Digest: "sha256:1"}},
		"Offered":     {reason: "What is offered changes nothing.", marker: offers, runs: "sha256:1", want: want{"sha256:1", hash + "-20261207@sha256:2"}},
		"Taken":       {reason: "The claim takes it.", marker: offers, runs: "sha256:1", use: hash + "-20261207@sha256:2", want: want{Digest: "sha256:2"}},
		"NextOffered": {reason: "It runs on beside the next offer.", marker: next, runs: "sha256:2", use: hash + "-20261207@sha256:2", want: want{"sha256:2", hash + "-20261214@sha256:3"}},
		"StatusLost":  {reason: "Also when the status is lost.", marker: next, use: hash + "-20261207@sha256:2", want: want{"sha256:2", hash + "-20261214@sha256:3"}},
		"GivenBack":   {reason: "Without it servers go back to what was built first.", marker: offers, runs: "sha256:2", want: want{"sha256:1", hash + "-20261207@sha256:2"}},
		"SwitchedOff": {reason: "So they do where the claim wants no rebuilds.", marker: offers, off: true, runs: "sha256:2", want: want{"sha256:1", hash + "-20261207@sha256:2"}},
		"Mistyped":    {reason: "Servers could not pull what nobody built.", marker: next, runs: "sha256:2", use: hash + "-20261207@sha256:9", want: want{"sha256:2", hash + "-20261214@sha256:3"}},
		"AtFirst":     {reason: "A studio that begins with it runs what there is.", marker: first, use: hash + "-20261207@sha256:9", want: want{Digest: "sha256:1"}},
		"OtherImage":  {reason: "A rebuild of another recipe is not what the claim asks for.", marker: first, runs: "sha256:2", use: "0a1b2c3d-20261207@sha256:2", want: want{Digest: "sha256:1"}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			spec := v1alpha1.ComfyUIStudioSpec{}
			if !tc.off {
				spec.Image.Rebuild = &v1alpha1.Rebuild{Every: v1alpha1.RebuildWeekly, Use: tc.use}
			}

			p := imagePlan(t, spec)
			status := v1alpha1.ComfyUIStudioStatus{Image: &v1alpha1.ImageStatus{URI: p.RepositoryURI(plan.Repository), Digest: tc.runs}}
			observed := map[kit.Key]kittest.State{plan.BuildMarker(plan.BuildComfyUI, p.ContextHash(plan.BuildComfyUI)): markerAt(tc.marker)}

			f, err := From(p, kittest.Observe(p.Name, observed), withAccount(status))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, want{f.Image.Digest, f.Image.Rebuilt}); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}

			if want := p.RepositoryURI(plan.Repository) + "@" + tc.want.Digest; f.Image.URI != want {
				t.Errorf("%s\nURI: want %s, got %s", tc.reason, want, f.Image.URI)
			}
		})
	}
}
