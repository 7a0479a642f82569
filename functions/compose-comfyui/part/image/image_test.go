package image

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

var models = plan.BucketKey(plan.Models, plan.BucketItself)

func newPlan(t *testing.T, edits ...func(*v1alpha1.ComfyUIStudioSpec)) plan.Plan {
	t.Helper()

	base := func(s *v1alpha1.ComfyUIStudioSpec) { s.Image.ComfyUI.Version = "v0.28.0" }

	return plantest.InAccount(t, append([]func(*v1alpha1.ComfyUIStudioSpec){base}, edits...)...).WithRelease(plantest.Release())
}

func version(v string) func(*v1alpha1.ComfyUIStudioSpec) {
	return func(s *v1alpha1.ComfyUIStudioSpec) { s.Image.ComfyUI.Version = v }
}

func readyImage(s *v1alpha1.ComfyUIStudioSpec) {
	s.Image = v1alpha1.Image{URI: "public.ecr.aws/team/comfyui@sha256:" + strings.Repeat("e5", 32)}
}

func files(all ...v1alpha1.ModelFile) func(*v1alpha1.ComfyUIStudioSpec) {
	return func(s *v1alpha1.ComfyUIStudioSpec) { s.Models.Files = all }
}

func gated(name string) v1alpha1.ModelFile {
	return v1alpha1.ModelFile{Path: "loras/" + name, URL: "https://example.com/" + name, Size: 1, TokenSecretRef: &v1alpha1.SecretKeyRef{Name: name, Key: "token"}}
}

// builds says of every build that it is in a state.
func builds(s facts.BuildState) facts.Facts {
	f := facts.Facts{Image: facts.Image{AgentMirrored: s == facts.Built, Builds: map[plan.Build]facts.BuildResult{}}}
	for _, b := range plan.Builds() {
		f.Image.Builds[b] = facts.BuildResult{State: s}
	}

	return f
}

func compose(t *testing.T, p plan.Plan, f facts.Facts, states map[kit.Key]kittest.State) kittest.Result {
	t.Helper()

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)

	// The models bucket is another part's; here it is nobody's.
	d.RemoveAfter(models)

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	return r
}

// up observes everything that the part adds as ready.
func up(t *testing.T, p plan.Plan) map[kit.Key]kittest.State {
	t.Helper()

	states := map[kit.Key]kittest.State{models: kittest.Ready()}

	for range 10 {
		r := compose(t, p, builds(facts.Built), states)
		for k := range r.Resources {
			states[k] = kittest.Ready()
		}

		if len(r.Waiting) == 0 {
			return states
		}
	}

	t.Fatal("the part does not come up")

	return nil
}

func field(t *testing.T, r kittest.Result, k kit.Key, path ...string) any {
	t.Helper()

	o := r.Resources[k]
	if o == nil {
		t.Fatalf("%s is not composed", k)
	}

	v, _, err := unstructured.NestedFieldNoCopy(o.Object, append([]string{"spec"}, path...)...)
	if err != nil {
		t.Fatal(err)
	}

	return v
}

// TestFirst holds what needs no account: it comes in the first run.
func TestFirst(t *testing.T) {
	r := compose(t, newPlan(t, files(gated("a"))).InAccount(""), builds(facts.Building), nil)

	want := []kit.Key{
		plan.Repository, plan.AgentRepository, plan.BuildLogs(plan.BuildComfyUI), plan.BuildLogs(plan.BuildAgent), plan.BuildLogs(plan.BuildModels),
		plan.Token(newPlan(t, files(gated("a"))).ModelTokens()[0].Hash),
	}
	if diff := cmp.Diff(want, slices.Collect(maps.Keys(r.Resources)), cmpopts.SortSlices(func(a, b kit.Key) bool { return a < b })); diff != "" {
		t.Errorf("Resources: -want, +got:\n%s", diff)
	}
}

// TestOrder goes through what a build must find in place, and who starts it.
func TestOrder(t *testing.T) {
	p := newPlan(t, files(gated("a")))
	token := plan.TokenValue(p.ModelTokens()[0].Hash)

	context := func(b plan.Build) kit.Key { return plan.BuildContext(b, p.ContextHash(b)) }
	schedule := func(b plan.Build) kit.Key { return plan.BuildSchedule(b, p.ContextHash(b)) }

	cases := map[string]struct {
		reason string
		// of waits for without.
		of, without kit.Key
	}{
		"Rights":       {reason: "A project's role must be able to do what a build does.", of: plan.BuildProject(plan.BuildComfyUI), without: plan.BuildPolicy(plan.BuildComfyUI)},
		"Log":          {reason: "CodeBuild may write a log, not make a group.", of: plan.BuildProject(plan.BuildComfyUI), without: plan.BuildLogs(plan.BuildComfyUI)},
		"Private":      {reason: "Nothing is put into a bucket that is not shut.", of: context(plan.BuildAgent), without: plan.ArtefactKey(plan.BucketAccess)},
		"Told":         {reason: "An object that nobody is told of starts nothing.", of: context(plan.BuildComfyUI), without: plan.ArtefactNotification},
		"Listened":     {reason: "Nor one that nobody listens for.", of: context(plan.BuildComfyUI), without: plan.BuildTarget(plan.BuildComfyUI)},
		"Registry":     {reason: "A build pushes somewhere.", of: context(plan.BuildComfyUI), without: plan.Repository},
		"Bucket":       {reason: "A fetch fills a bucket.", of: context(plan.BuildModels), without: models},
		"Token":        {reason: "And shows its token.", of: context(plan.BuildModels), without: token},
		"Context":      {reason: "A build that starts finds what to build.", of: schedule(plan.BuildComfyUI), without: context(plan.BuildComfyUI)},
		"TriggerRight": {reason: "The scheduler may start it.", of: schedule(plan.BuildComfyUI), without: plan.TriggerPolicy},
		"Target":       {reason: "A target points at a project that is there.", of: plan.BuildTarget(plan.BuildAgent), without: plan.BuildProject(plan.BuildAgent)},
		"Marker":       {reason: "Nobody looks for what nothing makes.", of: plan.BuildMarker(plan.BuildAgent, p.ContextHash(plan.BuildAgent)), without: schedule(plan.BuildAgent)},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			states := up(t, p)
			delete(states, tc.of)
			delete(states, tc.without)

			r := compose(t, p, builds(facts.Building), states)
			if !slices.Contains(r.Waiting[tc.of], string(tc.without)) {
				t.Errorf("%s\nWaiting[%s]: want %s among %v", tc.reason, tc.of, tc.without, r.Waiting[tc.of])
			}
		})
	}
}

// TestUnpublished holds that a version of the function that knows of no
// studio-agent takes nothing from a studio that has one.
func TestUnpublished(t *testing.T) {
	was := newPlan(t)
	states := up(t, was)
	steps := removal(t, was.WithRelease(plan.Release{}), builds(facts.Building), states)

	hash := was.ContextHash(plan.BuildAgent)
	want := [][]kit.Key{{plan.BuildContext(plan.BuildAgent, hash), plan.BuildSchedule(plan.BuildAgent, hash)}}

	if diff := cmp.Diff(want, steps, cmpopts.SortSlices(func(a, b kit.Key) bool { return a < b })); diff != "" {
		t.Errorf("Nothing is left to build, and what was built stays known.\nsteps: -want, +got:\n%s", diff)
	}

	r := compose(t, was.WithRelease(plan.Release{}), builds(facts.Building), nil)
	if r.Resources[plan.AgentRepository] == nil || len(r.Waiting[plan.BuildContext(plan.BuildAgent, "")]) > 0 {
		t.Error("Everything is prepared for the day when there is one.")
	}
}

// TestMarker holds a marker to be only looked at, and to be found by its name.
func TestMarker(t *testing.T) {
	p := newPlan(t)
	k := plan.BuildMarker(plan.BuildComfyUI, p.ContextHash(plan.BuildComfyUI))
	r := compose(t, p, builds(facts.Built), up(t, p))

	if diff := cmp.Diff([]any{"Observe"}, field(t, r, k, "managementPolicies")); diff != "" {
		t.Errorf("managementPolicies: -want, +got:\n%s", diff)
	}

	want := "comfyui-artefacts-123456789012-ap-northeast-1-128572/markers/comfyui/" + p.ContextHash(plan.BuildComfyUI)
	if got := r.Resources[k].GetAnnotations()["crossplane.io/external-name"]; got != want {
		t.Errorf("external name: want %q, got %q", want, got)
	}
}

// TestContextObject holds that S3 takes a context however many tags people have:
// an object has ten at most.
func TestContextObject(t *testing.T) {
	p := newPlan(t, func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Tags = map[string]v1alpha1.TagValue{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6"}
	})
	r := compose(t, p, builds(facts.Built), up(t, p))
	k := plan.BuildContext(plan.BuildComfyUI, p.ContextHash(plan.BuildComfyUI))

	if diff := cmp.Diff(map[string]any{"comfyui-studio": "art/tokyo"}, field(t, r, k, "forProvider", "tags")); diff != "" {
		t.Errorf("tags: -want, +got:\n%s", diff)
	}

	if got := field(t, r, k, "forProvider", "acl"); got != "bucket-owner-full-control" {
		t.Errorf("acl: got %v", got)
	}
}

// TestStart holds what a build is told: which object says what to build.
func TestStart(t *testing.T) {
	p := newPlan(t)
	r := compose(t, p, builds(facts.Built), up(t, p))
	hash := p.ContextHash(plan.BuildComfyUI)

	want := `{"environmentVariablesOverride":[{"name":"KEY","type":"PLAINTEXT","value":"contexts/comfyui/` + hash + `.json"}]}`
	if got := field(t, r, plan.BuildSchedule(plan.BuildComfyUI, hash), "forProvider", "target", "input"); got != want {
		t.Errorf("input: want %s\n got %s", want, got)
	}

	if got := field(t, r, plan.BuildContext(plan.BuildComfyUI, hash), "forProvider", "key"); got != "contexts/comfyui/"+hash+".json" {
		t.Errorf("key: got %v", got)
	}

	pattern, _ := field(t, r, plan.BuildRule(plan.BuildComfyUI), "forProvider", "eventPattern").(string)
	if !strings.Contains(pattern, `"key":[{"prefix":"contexts/comfyui/"}]`) {
		t.Errorf("A marker must not start a build: %s", pattern)
	}
}
