package image

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

var models = plan.BucketKey(plan.Models, plan.BucketItself)

func newPlan(t *testing.T, mods ...func(*v1alpha1.ComfyUIStudio)) plan.Plan {
	t.Helper()

	xr := &v1alpha1.ComfyUIStudio{
		ObjectMeta: metav1.ObjectMeta{Namespace: "art", Name: "tokyo"},
		Spec: v1alpha1.ComfyUIStudioSpec{
			Region:            "ap-northeast-1",
			ProviderConfigRef: v1alpha1.ProviderConfigRef{Kind: "ClusterProviderConfig", Name: "default"},
			Kubernetes:        v1alpha1.Kubernetes{Version: "1.35", APIAllowedCIDRs: []string{"0.0.0.0/0"}},
			Network:           v1alpha1.Network{CIDR: "10.42.0.0/16"},
			Image:             v1alpha1.Image{ComfyUI: v1alpha1.ComfyUIRelease{Version: "v0.28.0"}},
		},
	}
	for _, m := range mods {
		m(xr)
	}

	p, err := plan.New(xr)
	if err != nil {
		t.Fatal(err)
	}

	return p.InAccount("123456789012").WithRelease(plan.Release{
		Image: "ghcr.io/comfyui-studio/studio-agent", Digest: "sha256:" + strings.Repeat("a1", 32),
		NodeDaemonSHA256: strings.Repeat("b2", 32), LambdaSHA256: strings.Repeat("c3", 32), ModelFetcherSHA256: strings.Repeat("d4", 32),
	})
}

func version(v string) func(*v1alpha1.ComfyUIStudio) {
	return func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Image.ComfyUI.Version = v }
}

func readyImage(xr *v1alpha1.ComfyUIStudio) {
	xr.Spec.Image = v1alpha1.Image{URI: "public.ecr.aws/team/comfyui@sha256:" + strings.Repeat("e5", 32)}
}

func files(all ...v1alpha1.ModelFile) func(*v1alpha1.ComfyUIStudio) {
	return func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Models.Files = all }
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

func compose(t *testing.T, p plan.Plan, f facts.Facts, states map[kit.Key]kittest.State) kit.Result {
	t.Helper()

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)

	// The models bucket is another part's; here it is nobody's.
	d.RemoveAfter(models)

	r, err := d.Result()
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

func field(t *testing.T, r kit.Result, k kit.Key, path ...string) any {
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
	p := newPlan(t, func(xr *v1alpha1.ComfyUIStudio) {
		xr.Spec.Tags = map[string]v1alpha1.TagValue{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6"}
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

// TestRights lists what each build may write to. It may read its contexts, and
// nothing of another build's.
func TestRights(t *testing.T) {
	p := newPlan(t, files(gated("a"), v1alpha1.ModelFile{Path: "loras/b", URL: "s3://team/x", Size: 1}))
	r := compose(t, p, builds(facts.Built), up(t, p))

	const (
		artefacts = "arn:aws:s3:::comfyui-artefacts-123456789012-ap-northeast-1-128572/"
		registry  = "arn:aws:ecr:ap-northeast-1:123456789012:repository/tokyo-128572-"
		bucket    = "arn:aws:s3:::comfyui-models-123456789012-ap-northeast-1-128572"
	)

	cases := map[plan.Build]map[string][]string{
		plan.BuildComfyUI: {
			"s3:PutObject": {artefacts + "markers/comfyui/*"}, "s3:GetObject": {artefacts + "contexts/comfyui/*", artefacts + "markers/comfyui/*"},
			"ecr:PutImage": {registry + "comfyui"}, "secretsmanager:GetSecretValue": nil,
			"logs:PutLogEvents": {"arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/codebuild/tokyo-128572-build-comfyui:*"},
		},
		plan.BuildAgent: {
			"s3:PutObject": {artefacts + "markers/agent/*", artefacts + "artefacts/*"}, "s3:GetObject": {artefacts + "contexts/agent/*", artefacts + "markers/agent/*"},
			"ecr:PutImage": {registry + "studio-agent"}, "secretsmanager:GetSecretValue": nil,
		},
		plan.BuildModels: {
			"s3:PutObject": {artefacts + "markers/models/*", bucket + "/*", artefacts + "fetches/*"},
			"s3:GetObject": {
				artefacts + "contexts/models/*", artefacts + "markers/models/*", bucket + "/*", artefacts + "artefacts/*", artefacts + "fetches/*", "arn:aws:s3:::team/*",
			},
			// It deletes what it noted for itself, and no model.
			"ecr:PutImage": nil, "s3:DeleteObject": {artefacts + "fetches/*"}, "s3:ListBucket": {bucket}, "s3:ListMultipartUploadParts": {bucket + "/*"},
			"secretsmanager:GetSecretValue": {"arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:" + p.ModelTokens()[0].Name + "-??????"},
		},
	}

	for b, actions := range cases {
		text, _ := field(t, r, plan.BuildPolicy(b), "forProvider", "policy").(string)
		for action, want := range actions {
			if diff := cmp.Diff(want, resourcesOf(t, text, action)); diff != "" {
				t.Errorf("%s: %s: -want, +got:\n%s", b, action, diff)
			}
		}
	}
}

// TestTrust holds that each role is taken on for this account's own resources.
func TestTrust(t *testing.T) {
	p := newPlan(t)
	r := compose(t, p, builds(facts.Built), up(t, p))

	for _, k := range []kit.Key{plan.TriggerRole, plan.BuildRole(plan.BuildComfyUI), plan.BuildRole(plan.BuildAgent)} {
		text, _ := field(t, r, k, "forProvider", "assumeRolePolicy").(string)

		doc := struct {
			Statement []struct {
				Condition map[string]map[string][]string `json:"Condition"`
			} `json:"Statement"`
		}{}
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}

		for _, s := range doc.Statement {
			if len(s.Condition["ArnLike"]["aws:SourceArn"]) == 0 || !slices.Equal(s.Condition["StringEquals"]["aws:SourceAccount"], []string{"123456789012"}) {
				t.Errorf("%s: anybody's resource may have the service take it on: %s", k, text)
			}
		}
	}
}

func resourcesOf(t *testing.T, text, action string) []string {
	t.Helper()

	doc := struct {
		Statement []struct {
			Action   []string `json:"Action"`
			Resource []string `json:"Resource"`
		} `json:"Statement"`
	}{}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}

	var out []string

	for _, s := range doc.Statement {
		if slices.Contains(s.Action, action) {
			out = append(out, s.Resource...)
		}
	}

	return out
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

// TestToken holds that the provider alone reads a token.
func TestToken(t *testing.T) {
	p := newPlan(t, files(gated("hub")))
	r := compose(t, p, builds(facts.Built), up(t, p))
	token := p.ModelTokens()[0]

	want := map[string]any{"name": "hub", "key": "token"}
	if diff := cmp.Diff(want, field(t, r, plan.TokenValue(token.Hash), "forProvider", "secretStringSecretRef")); diff != "" {
		t.Errorf("secretStringSecretRef: -want, +got:\n%s", diff)
	}

	if got := field(t, r, plan.Token(token.Hash), "forProvider", "recoveryWindowInDays"); got != 0.0 && got != int64(0) {
		t.Errorf("A name that stays taken keeps the studio from coming back: got %v", got)
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
