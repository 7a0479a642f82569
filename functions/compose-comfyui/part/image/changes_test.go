package image

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestChange goes through a change of what the image is made of.
func TestChange(t *testing.T) {
	was, is := newPlan(t), newPlan(t, version("v0.29.0"))
	older, newer := was.ContextHash(plan.BuildComfyUI), is.ContextHash(plan.BuildComfyUI)

	member := func(of func(plan.Build, string) kit.Key, hash string) kit.Key { return of(plan.BuildComfyUI, hash) }

	type want struct{ Desired []kit.Key }

	all := []kit.Key{
		member(plan.BuildContext, older), member(plan.BuildSchedule, older), member(plan.BuildMarker, older),
		member(plan.BuildContext, newer), member(plan.BuildSchedule, newer), member(plan.BuildMarker, newer),
	}

	cases := map[string]struct {
		reason string
		state  facts.BuildState
		want   want
	}{
		"Building": {
			reason: "What starts the older goes. Its marker tells what runs.", state: facts.Building,
			want: want{Desired: []kit.Key{member(plan.BuildMarker, older), member(plan.BuildContext, newer)}},
		},
		"Failed": {
			reason: "It goes on to tell when the newer cannot be built.", state: facts.Failed,
			want: want{Desired: []kit.Key{member(plan.BuildMarker, older), member(plan.BuildContext, newer)}},
		},
		"Built": {
			reason: "It goes when the newer is there.", state: facts.Built,
			want: want{Desired: []kit.Key{member(plan.BuildContext, newer)}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := compose(t, is, builds(tc.state), up(t, was))

			got := want{}

			for _, k := range all {
				if r.Resources[k] != nil {
					got.Desired = append(got.Desired, k)
				}
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestReadyImage holds that a ready image leaves nothing of a build in a studio
// that never had one, and that nothing people may run goes from one that had.
func TestReadyImage(t *testing.T) {
	p := newPlan(t, readyImage)

	r := compose(t, p, builds(facts.Built), up(t, p))
	for k := range r.Resources {
		if strings.Contains(string(k), "comfyui") || k == plan.Repository || k == plan.RepositoryLifecycle {
			t.Errorf("A ready image needs no %s", k)
		}
	}

	if r.Resources[plan.BuildProject(plan.BuildAgent)] == nil {
		t.Error("Our own image is needed all the same.")
	}

	had := up(t, newPlan(t))
	steps := removal(t, p, builds(facts.Built), had)

	want := [][]kit.Key{
		{
			plan.BuildContext(plan.BuildComfyUI, newPlan(t).ContextHash(plan.BuildComfyUI)), plan.BuildMarker(plan.BuildComfyUI, newPlan(t).ContextHash(plan.BuildComfyUI)),
			plan.BuildSchedule(plan.BuildComfyUI, newPlan(t).ContextHash(plan.BuildComfyUI)), plan.BuildTarget(plan.BuildComfyUI),
		},
		{plan.BuildProject(plan.BuildComfyUI), plan.BuildRule(plan.BuildComfyUI)},
		{plan.BuildLogs(plan.BuildComfyUI), plan.BuildPolicy(plan.BuildComfyUI)},
		{plan.BuildRole(plan.BuildComfyUI)},
	}
	if diff := cmp.Diff(want, steps, cmpopts.SortSlices(func(a, b kit.Key) bool { return a < b })); diff != "" {
		t.Errorf("A build goes from what starts it to what it used.\nsteps: -want, +got:\n%s", diff)
	}

	if _, ok := had[plan.Repository]; !ok {
		t.Error("Servers may still run what was built.")
	}
}

// removal runs until nothing leaves any more, and returns what went in each run.
// Usages go of themselves.
func removal(t *testing.T, p plan.Plan, f facts.Facts, states map[kit.Key]kittest.State) [][]kit.Key {
	t.Helper()

	var steps [][]kit.Key

	for range 10 {
		r := compose(t, p, f, states)

		var gone []kit.Key

		for k := range states {
			if r.Resources[k] != nil || k == models {
				continue
			}

			delete(states, k)

			if plan.PartOf(k) != "usage" {
				gone = append(gone, k)
			}
		}

		if len(gone) > 0 {
			steps = append(steps, gone)
		}

		if len(r.Leaving) == 0 {
			return steps
		}
	}

	t.Fatal("it never ends")

	return nil
}

// TestModelsDropped takes the last declared model away, with its token.
func TestModelsDropped(t *testing.T) {
	had, p := newPlan(t, files(gated("a"))), newPlan(t)
	states := up(t, had)
	steps := removal(t, p, builds(facts.Built), states)

	if len(steps) == 0 {
		t.Fatal("nothing goes")
	}

	token := had.ModelTokens()[0].Hash
	at := func(k kit.Key) int {
		return slices.IndexFunc(steps, func(s []kit.Key) bool { return slices.Contains(s, k) })
	}

	if v, s := at(plan.TokenValue(token)), at(plan.Token(token)); v < 0 || s <= v {
		t.Errorf("The value goes before its secret: %v", steps)
	}

	for k := range states {
		if strings.Contains(string(k), "-models") && plan.PartOf(k) == "image" {
			t.Errorf("%s stays", k)
		}
	}
}

// TestDeletionOrder lists the pairs that hold when the claim is deleted.
func TestDeletionOrder(t *testing.T) {
	p := newPlan(t)
	r := compose(t, p, builds(facts.Built), up(t, p))

	var got []string

	for k := range r.Resources {
		if plan.PartOf(k) == "usage" {
			got = append(got, strings.TrimPrefix(string(k), kit.UsagePrefix))
		}
	}

	var want []string
	for _, b := range []string{"comfyui", "agent"} {
		want = append(want,
			"image-build-logs-"+b+"-by-image-build-project-"+b,
			"image-build-policy-"+b+"-by-image-build-project-"+b,
			"image-build-rule-"+b+"-by-image-build-target-"+b)
	}

	if diff := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("Usages: -want, +got:\n%s", diff)
	}
}
