package image

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestFetcher holds that models are fetched by the program that the studio has in
// its account, and not before it is there.
func TestFetcher(t *testing.T) {
	p := newPlan(t, files(v1alpha1.ModelFile{Path: "loras/a", URL: "https://example.com/a", Size: 1}))
	project := plan.BuildProject(plan.BuildModels)

	states := up(t, p)
	delete(states, project)

	waits := func(p plan.Plan, f facts.Facts) []string { return compose(t, p, f, states).Waiting[project] }

	if diff := cmp.Diff([]string{"the studio-agent in the account"}, waits(p, builds(facts.Building))); diff != "" {
		t.Errorf("Waiting: -want, +got:\n%s", diff)
	}

	none := p.WithRelease(plan.Release{Image: "ghcr.io/comfyui-studio/studio-agent"})
	if got := waits(none, builds(facts.Built)); len(got) != 1 || got[0] != "a published studio-agent" {
		t.Errorf("Waiting without a release: got %v", got)
	}

	variables, _ := field(t, compose(t, p, builds(facts.Built), up(t, p)), project, "forProvider", "environment", "environmentVariable").([]any)

	var fetcher any

	for _, v := range variables {
		if m, ok := v.(map[string]any); ok && m["name"] == "FETCHER" {
			fetcher = m["value"]
		}
	}

	if want := "artefacts/" + strings.Repeat("d4", 32) + "/model-fetcher"; fetcher != want {
		t.Errorf("FETCHER: want %s, got %v", want, fetcher)
	}

	// A newer program is a change of the project, not of what is wished for.
	r := p.Release
	r.ModelFetcherSHA256 = strings.Repeat("e5", 32)

	if p.ContextHash(plan.BuildModels) != p.WithRelease(r).ContextHash(plan.BuildModels) {
		t.Error("Another program looks through every studio's models anew.")
	}
}

// TestExpires holds what goes by itself from the artefact bucket, and that nothing
// else does: a context, a marker or a binary that is gone stops a studio.
func TestExpires(t *testing.T) {
	p := newPlan(t)
	rules, _ := field(t, compose(t, p, builds(facts.Built), up(t, p)), plan.ArtefactKey(plan.BucketLifecycle), "forProvider", "rule").([]any)

	got := map[string]any{}

	for _, r := range rules {
		rule, _ := r.(map[string]any)
		if expiration, ok := rule["expiration"].([]any); ok {
			filter, _ := rule["filter"].([]any)
			got[filter[0].(map[string]any)["prefix"].(string)] = expiration[0].(map[string]any)["days"]
		}
	}

	if diff := cmp.Diff(map[string]any{"nodes/": 1.0, "fetches/": 8.0}, got); diff != "" {
		t.Errorf("days by prefix: -want, +got:\n%s", diff)
	}
}
