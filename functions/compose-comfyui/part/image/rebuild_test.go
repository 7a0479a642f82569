package image

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func rebuilt(every v1alpha1.RebuildInterval) func(*v1alpha1.ComfyUIStudioSpec) {
	return func(s *v1alpha1.ComfyUIStudioSpec) { s.Image.Rebuild = &v1alpha1.Rebuild{Every: every} }
}

// TestRebuild goes through what builds an image again, and when it leaves.
func TestRebuild(t *testing.T) {
	hash := newPlan(t).ContextHash(plan.BuildComfyUI)

	type want struct {
		When, Input any
		Leaves      bool
	}

	input := `{"environmentVariablesOverride":[{"name":"KEY","type":"PLAINTEXT","value":"contexts/comfyui/` + hash + `.json"},` +
		`{"name":"REBUILD","type":"PLAINTEXT","value":"yes"},{"name":"RUNS","type":"PLAINTEXT","value":"sha256:1"}]}`

	cases := map[string]struct {
		reason   string
		was, now func(*v1alpha1.ComfyUIStudioSpec)
		want     want
	}{
		"Never":    {reason: "An image is built once.", was: version("v0.28.0"), now: version("v0.28.0")},
		"Weekly":   {reason: "In a night, and not at once.", was: version("v0.28.0"), now: rebuilt(v1alpha1.RebuildWeekly), want: want{When: "cron(0 3 ? * MON *)", Input: input}},
		"Monthly":  {reason: "Or once a month.", was: rebuilt(v1alpha1.RebuildWeekly), now: rebuilt(v1alpha1.RebuildMonthly), want: want{When: "cron(0 3 1 * ? *)", Input: input}},
		"NoLonger": {reason: "It leaves when the claim wants no more of it.", was: rebuilt(v1alpha1.RebuildWeekly), now: version("v0.28.0"), want: want{Leaves: true}},
		"NewImage": {reason: "And with the image that it builds.", was: rebuilt(v1alpha1.RebuildWeekly), now: version("v0.29.0"), want: want{Leaves: true}},
		"GivenOne": {reason: "Nothing is built where an image is given.", was: rebuilt(v1alpha1.RebuildWeekly), now: readyImage, want: want{Leaves: true}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			states := up(t, newPlan(t, tc.was))
			f := builds(facts.Built)
			f.Image.Digest = "sha256:1"

			r := compose(t, newPlan(t, tc.now), f, states)

			_, was := states[plan.Rebuild(hash)]
			got := want{Leaves: was && r.Resources[plan.Rebuild(hash)] == nil}

			if r.Resources[plan.Rebuild(hash)] != nil {
				got.When = field(t, r, plan.Rebuild(hash), "forProvider", "scheduleExpression")
				got.Input = field(t, r, plan.Rebuild(hash), "forProvider", "target", "input")
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}

			// The project leaves after all that starts it.
			if users := r.Leaving[plan.BuildProject(plan.BuildComfyUI)]; name == "GivenOne" && !slices.Contains(users, plan.Rebuild(hash)) {
				t.Errorf("%s\nThe project waits for its schedules: got %v", tc.reason, users)
			}
		})
	}
}
