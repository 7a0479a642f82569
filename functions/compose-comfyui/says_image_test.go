package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// answerOf is what a part says something of: a claim and what is known of AWS.
func answerOf(t *testing.T, release plan.Release, f facts.Image, mod func(*v1alpha1.ComfyUIStudioSpec)) answer {
	t.Helper()

	xr := &v1alpha1.ComfyUIStudio{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(loadClaims(t, "testdata/claims/single.yaml")[0], xr); err != nil {
		t.Fatal(err)
	}

	if mod != nil {
		mod(&xr.Spec)
	}

	p, err := plan.New(xr)
	if err != nil {
		t.Fatal(err)
	}

	return answer{claim: xr, plan: p.WithRelease(release).InAccount(account), facts: facts.Facts{Account: account, Image: f}}
}

func buildsAt(comfyUI, agent, models facts.BuildResult) map[plan.Build]facts.BuildResult {
	return map[plan.Build]facts.BuildResult{plan.BuildComfyUI: comfyUI, plan.BuildAgent: agent, plan.BuildModels: models}
}

var (
	builtResult  = facts.BuildResult{State: facts.Built}
	failedResult = facts.BuildResult{State: facts.Failed, Reason: "No matching distribution found for a==9", Log: "https://console/1"}
)

// TestImageSays holds what keeps a studio from Ready, and that nothing does which
// leaves people with what they had.
func TestImageSays(t *testing.T) {
	const digest = "sha256:1"

	building := facts.BuildResult{}

	cases := map[string]struct {
		reason  string
		release plan.Release
		facts   facts.Image
		spec    func(*v1alpha1.ComfyUIStudioSpec)
		want    statement
	}{
		"Unpublished": {
			reason: "Only who runs the function can help.", facts: facts.Image{Builds: buildsAt(builtResult, building, building), Digest: digest},
			want: statement{reason: v1alpha1.ReasonFailed, message: unpublished, holds: true},
		},
		"UnpublishedNow": {
			reason: "A studio that has one goes on with it.", facts: facts.Image{Builds: buildsAt(builtResult, building, building), Digest: digest, AgentMirrored: true},
			want: statement{reason: v1alpha1.ReasonFailed, message: unpublished + "; the previous one keeps running"},
		},
		"AgentFirst": {
			reason: "Nothing of ours runs before it is in the account.", release: testRelease(), facts: facts.Image{Builds: buildsAt(builtResult, building, building), Digest: digest},
			want: statement{reason: v1alpha1.ReasonBuilding, message: "the copy of studio-agent is being built", holds: true},
		},
		"AgentNext": {
			reason: "A newer one is no reason to be unready.", release: testRelease(), facts: facts.Image{Builds: buildsAt(builtResult, building, building), Digest: digest, AgentMirrored: true},
			want: statement{reason: v1alpha1.ReasonBuilding, message: "the copy of studio-agent is being built; the previous one keeps running"},
		},
		"First": {
			reason: "A studio without an image has no server.", release: testRelease(), facts: facts.Image{Builds: buildsAt(building, builtResult, building), AgentMirrored: true},
			want: statement{reason: v1alpha1.ReasonBuilding, message: "the ComfyUI image is being built", holds: true},
		},
		"FirstFailed": {
			reason: "Its builder's last words are the user's to read.", release: testRelease(), facts: facts.Image{Builds: buildsAt(failedResult, builtResult, building), AgentMirrored: true},
			want: statement{reason: v1alpha1.ReasonFailed, message: "the ComfyUI image cannot be built: No matching distribution found for a==9; see https://console/1", holds: true},
		},
		"NextFailed": {
			reason: "Servers run on.", release: testRelease(), facts: facts.Image{Builds: buildsAt(failedResult, builtResult, building), AgentMirrored: true, Digest: digest},
			want: statement{reason: v1alpha1.ReasonFailed, message: "the ComfyUI image cannot be built: No matching distribution found for a==9; see https://console/1; the previous one keeps running"},
		},
		"Built": {reason: "Then there is nothing to say.", release: testRelease(), facts: facts.Image{Builds: buildsAt(builtResult, builtResult, building), AgentMirrored: true, Digest: digest}},
		"Given": {
			reason: "A ready image is not built.", release: testRelease(), facts: facts.Image{Builds: buildsAt(building, builtResult, building), AgentMirrored: true},
			spec: func(s *v1alpha1.ComfyUIStudioSpec) {
				s.Image = v1alpha1.Image{URI: "public.ecr.aws/team/comfyui@sha256:" + strings.Repeat("e5", 32)}
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := imageSays(answerOf(t, tc.release, tc.facts, tc.spec))
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(statement{})); diff != "" {
				t.Errorf("%s\nimageSays(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestRebuildSays holds that a rebuild is offered in words, and keeps nobody from
// Ready.
func TestRebuildSays(t *testing.T) {
	const offer = "0a1b2c3d-20261207@sha256:2"

	cases := map[string]struct {
		reason  string
		build   facts.BuildResult
		rebuilt string
		use     string
		want    string
	}{
		"Nothing": {reason: "There is nothing to say of what is as it was.", build: builtResult},
		"Offered": {
			reason: "Somebody decides.", build: builtResult, rebuilt: offer,
			want: "a rebuild with newer system packages is there: servers change over when spec.image.rebuild.use is " + offer,
		},
		"Failed": {
			reason: "No news would look like good news.", build: facts.BuildResult{State: facts.Built, Reason: "E: no space", Log: "https://console/1"},
			want: "the image cannot be built again: E: no space; see https://console/1; servers run what they have",
		},
		"OtherImage": {
			reason: "A claim that was changed has it left over.", build: builtResult, use: offer,
			want: "spec.image.rebuild.use is a rebuild of another image than the spec asks for, and changes nothing: remove it",
		},
		"Mistyped": {
			reason: "It must be one that is there.", build: builtResult, use: "HASH-20261207@sha256:9",
			want: "spec.image.rebuild.use names no rebuild of this image, and changes nothing: copy it from status.image.rebuilt",
		},
		"InUse": {reason: "Then all is well.", build: builtResult, use: "HASH-20261207@sha256:1"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := facts.Image{Builds: buildsAt(tc.build, builtResult, builtResult), AgentMirrored: true, Digest: "sha256:1", Rebuilt: tc.rebuilt}
			hash := answerOf(t, testRelease(), f, nil).plan.ContextHash(plan.BuildComfyUI)
			a := answerOf(t, testRelease(), f, func(s *v1alpha1.ComfyUIStudioSpec) {
				s.Image.Rebuild = &v1alpha1.Rebuild{Use: strings.Replace(tc.use, "HASH", hash, 1)}
			})

			want := statement{}
			if tc.want != "" {
				want = statement{reason: v1alpha1.ReasonReady, ok: true, message: tc.want}
			}

			if diff := cmp.Diff(want, imageSays(a), cmp.AllowUnexported(statement{})); diff != "" {
				t.Errorf("%s\nimageSays(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestModelsSay holds that missing models are told and keep nobody from working.
func TestModelsSay(t *testing.T) {
	two := func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Models.Files = []v1alpha1.ModelFile{{Path: "loras/a", Size: 1}, {Path: "loras/b", Size: 1}}
	}

	cases := map[string]struct {
		reason string
		facts  facts.Image
		spec   func(*v1alpha1.ComfyUIStudioSpec)
		want   statement
		status *v1alpha1.ModelsStatus
	}{
		"None": {reason: "Without declared models there is nothing to fetch."},
		"Fetching": {
			reason: "They are on their way.", spec: two, facts: facts.Image{Models: facts.Models{Present: 1}},
			want: statement{reason: v1alpha1.ReasonCreating, message: "fetching declared models; 1 of 2 are in the bucket"}, status: &v1alpha1.ModelsStatus{Declared: 2, Present: 1},
		},
		"Running": {
			reason: "A fetch that takes long tells how far it is.", spec: two,
			facts: facts.Image{Builds: buildsAt(builtResult, builtResult, facts.BuildResult{State: facts.Fetching}), Models: facts.Models{Present: 1}},
			want:  statement{reason: v1alpha1.ReasonCreating, message: "fetching declared models; 1 of 2 are in the bucket"}, status: &v1alpha1.ModelsStatus{Declared: 2, Present: 1},
		},
		"There": {
			reason: "All are there.", spec: two, facts: facts.Image{Builds: buildsAt(builtResult, builtResult, builtResult), Models: facts.Models{Present: 2}},
			status: &v1alpha1.ModelsStatus{Declared: 2, Present: 2},
		},
		"Conflict": {
			reason: "Somebody's own file is left alone, and told.", spec: two,
			facts: facts.Image{Builds: buildsAt(builtResult, builtResult, facts.BuildResult{State: facts.Partly}), Models: facts.Models{Present: 1, Failed: []facts.ModelFailure{{Path: "loras/b", Why: "conflict"}}}},
			want: statement{
				reason:  v1alpha1.ReasonFailed,
				message: "1 of 2 declared models are in the bucket; loras/b: the bucket holds another file there, which is left alone: rename or delete one of the two",
			},
			status: &v1alpha1.ModelsStatus{Declared: 2, Present: 1, Failed: []v1alpha1.ModelFailure{{
				Path: "loras/b", Reason: "the bucket holds another file there, which is left alone: rename or delete one of the two",
			}}},
		},
		"Broken": {
			reason: "A build that breaks altogether says why.", spec: two, facts: facts.Image{Builds: buildsAt(builtResult, builtResult, failedResult)},
			want:   statement{reason: v1alpha1.ReasonFailed, message: "declared models cannot be fetched: No matching distribution found for a==9; see https://console/1"},
			status: &v1alpha1.ModelsStatus{Declared: 2},
		},
		"Adopted": {
			reason: "Whose bucket it is can have it notify the queue.", spec: func(s *v1alpha1.ComfyUIStudioSpec) { s.Models.BucketName = "older" },
			want: statement{
				reason: v1alpha1.ReasonReady, ok: true,
				message: "bucket older keeps the notifications it has, so nodes find changes within a minute; to have them within seconds, let it notify queue QUEUE",
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a := answerOf(t, testRelease(), tc.facts, func(s *v1alpha1.ComfyUIStudioSpec) {
				s.Models = v1alpha1.Models{}
				if tc.spec != nil {
					tc.spec(s)
				}
			})
			tc.want.message = strings.ReplaceAll(tc.want.message, "QUEUE", a.plan.SyncQueueName())

			if diff := cmp.Diff(tc.want, modelSyncSays(a), cmp.AllowUnexported(statement{})); diff != "" {
				t.Errorf("%s\nmodelSyncSays(...): -want, +got:\n%s", tc.reason, diff)
			}

			s := &v1alpha1.ComfyUIStudioStatus{}
			imageStatus(a, s)

			if diff := cmp.Diff(tc.status, s.Models, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nstatus.models: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestImageStatus holds what the status remembers: an image that runs is told for
// as long as it runs.
func TestImageStatus(t *testing.T) {
	const uri, digest = account + ".dkr.ecr.ap-northeast-1.amazonaws.com/a-comfyui", "sha256:1"

	r := testRelease()
	a := answerOf(t, r, facts.Image{
		Builds: buildsAt(failedResult, builtResult, builtResult), URI: uri + "@" + digest, Digest: digest, AgentMirrored: true, Agent: r,
	}, nil)
	s := &v1alpha1.ComfyUIStudioStatus{}
	imageStatus(a, s)

	want := &v1alpha1.ImageStatus{
		URI: uri, Digest: digest, State: v1alpha1.ImageStateFailed, Reason: "No matching distribution found for a==9; see https://console/1",
		Agent: &v1alpha1.AgentStatus{
			Digest: r.Digest, NodeDaemonSHA256: r.NodeDaemonSHA256, LambdaSHA256: r.LambdaSHA256, ModelFetcherSHA256: r.ModelFetcherSHA256,
		},
	}
	if diff := cmp.Diff(want, s.Image); diff != "" {
		t.Errorf("status.image: -want, +got:\n%s", diff)
	}
}
