package facts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

func releaseOf(digit string) plan.Release {
	return plan.Release{
		Digest: "sha256:" + strings.Repeat(digit, 64), NodeDaemonSHA256: strings.Repeat(digit, 64), LambdaSHA256: strings.Repeat(digit, 64), ModelFetcherSHA256: strings.Repeat(digit, 64),
	}
}

func imagePlan(t *testing.T, spec v1alpha1.ComfyUIStudioSpec) plan.Plan {
	t.Helper()

	return plantest.InAccount(t, func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Image, s.Models = spec.Image, spec.Models
		s.Pools = []v1alpha1.Pool{{
			Name: "default", InstanceTypes: []string{"g6.2xlarge"}, Purchase: v1alpha1.PurchaseOnDemand, MaxGPUs: 1, Servers: v1alpha1.Servers{Min: new(int32(1)), Max: 1},
		}}
	}).WithRelease(releaseOf("a"))
}

func markerAt(metadata map[string]any) kittest.State {
	return kittest.ReadyAt(map[string]any{"metadata": metadata})
}

// TestAgent goes through a change of the studio-agent that a version of the
// function brings. Nodes and servers must never be told of what is not there.
func TestAgent(t *testing.T) {
	p := imagePlan(t, v1alpha1.ComfyUIStudioSpec{})
	wanted, older := plan.BuildMarker(plan.BuildAgent, p.ContextHash(plan.BuildAgent)), plan.BuildMarker(plan.BuildAgent, "0a1b2c3d")
	done := func(r plan.Release) kittest.State {
		return markerAt(map[string]any{"state": "done", "digest": r.Digest, "node-daemon": r.NodeDaemonSHA256, "lambda": r.LambdaSHA256, "model-fetcher": r.ModelFetcherSHA256})
	}
	remember := func(r plan.Release) v1alpha1.ComfyUIStudioStatus {
		return v1alpha1.ComfyUIStudioStatus{Image: &v1alpha1.ImageStatus{Agent: &v1alpha1.AgentStatus{
			Digest: r.Digest, NodeDaemonSHA256: r.NodeDaemonSHA256, LambdaSHA256: r.LambdaSHA256, ModelFetcherSHA256: r.ModelFetcherSHA256,
		}}}
	}

	type want struct {
		Mirrored bool
		Agent    plan.Release
	}

	cases := map[string]struct {
		reason   string
		observed map[kit.Key]kittest.State
		status   v1alpha1.ComfyUIStudioStatus
		want     want
	}{
		"Nothing": {reason: "Nothing is there."},
		"Absent":  {reason: "A marker that the provider does not find is no answer yet.", observed: map[kit.Key]kittest.State{wanted: {}}},
		"Failed":  {reason: "Nor is a failure.", observed: map[kit.Key]kittest.State{wanted: markerAt(map[string]any{"state": "failed"})}},
		"Done": {
			reason: "What the marker tells is there.", observed: map[kit.Key]kittest.State{wanted: done(releaseOf("a"))},
			want: want{Mirrored: true, Agent: releaseOf("a")},
		},
		"StatusRemembers": {
			reason: "A marker's status that is lost takes nothing away.", observed: map[kit.Key]kittest.State{wanted: {}}, status: remember(releaseOf("a")),
			want: want{Mirrored: true, Agent: releaseOf("a")},
		},
		"NextOnItsWay": {
			reason: "The one before runs until the next is there.", observed: map[kit.Key]kittest.State{older: done(releaseOf("b")), wanted: {}}, status: remember(releaseOf("b")),
			want: want{Mirrored: true, Agent: releaseOf("b")},
		},
		"NextOnItsWayStatusLost": {
			reason: "Its marker tells it when the status does not.", observed: map[kit.Key]kittest.State{older: done(releaseOf("b")), wanted: {}},
			want: want{Mirrored: true, Agent: releaseOf("b")},
		},
		"NextThere": {
			reason: "Then the next runs.", observed: map[kit.Key]kittest.State{older: done(releaseOf("b")), wanted: done(releaseOf("a"))}, status: remember(releaseOf("b")),
			want: want{Mirrored: true, Agent: releaseOf("a")},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := From(p, kittest.Observe(p.Name, tc.observed), withAccount(tc.status))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, want{Mirrored: f.Image.AgentMirrored, Agent: f.Image.Agent}); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestImageInUse goes through a change of image. Servers go on with what they
// run until another image can be pulled.
func TestImageInUse(t *testing.T) {
	const (
		repository = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/tokyo-128572-comfyui"
		ready      = "public.ecr.aws/team/comfyui"
	)

	built, given := v1alpha1.ComfyUIStudioSpec{}, v1alpha1.ComfyUIStudioSpec{Image: v1alpha1.Image{URI: ready + "@sha256:9"}}
	p := imagePlan(t, built)
	wanted, older := plan.BuildMarker(plan.BuildComfyUI, p.ContextHash(plan.BuildComfyUI)), plan.BuildMarker(plan.BuildComfyUI, "0a1b2c3d")
	done := func(digest string) kittest.State { return markerAt(map[string]any{"state": "done", "digest": digest}) }
	remember := func(uri, digest string) v1alpha1.ComfyUIStudioStatus {
		return v1alpha1.ComfyUIStudioStatus{Image: &v1alpha1.ImageStatus{URI: uri, Digest: digest}}
	}

	type want struct{ URI, Digest string }

	cases := map[string]struct {
		reason   string
		spec     v1alpha1.ComfyUIStudioSpec
		observed map[kit.Key]kittest.State
		status   v1alpha1.ComfyUIStudioStatus
		want     want
		state    BuildState
	}{
		"Nothing": {reason: "Before the first build servers have nothing to run."},
		"Given": {
			reason: "A ready image needs no build.", spec: given,
			want: want{URI: ready + "@sha256:9", Digest: "sha256:9"},
		},
		"Built": {
			reason: "What the marker tells can be pulled.", observed: map[kit.Key]kittest.State{wanted: done("sha256:1")},
			want: want{URI: repository + "@sha256:1", Digest: "sha256:1"}, state: Built,
		},
		"Rebuilding": {
			reason: "The one before runs on.", observed: map[kit.Key]kittest.State{older: done("sha256:1"), wanted: {}}, status: remember(repository, "sha256:1"),
			want: want{URI: repository + "@sha256:1", Digest: "sha256:1"},
		},
		"RebuildingStatusLost": {
			reason: "Also when only its marker knows it.", observed: map[kit.Key]kittest.State{older: done("sha256:1"), wanted: {}},
			want: want{URI: repository + "@sha256:1", Digest: "sha256:1"},
		},
		"Failed": {
			reason: "And when the next cannot be built.", observed: map[kit.Key]kittest.State{older: done("sha256:1"), wanted: markerAt(map[string]any{"state": "failed"})},
			want: want{URI: repository + "@sha256:1", Digest: "sha256:1"}, state: Failed,
		},
		"FromGivenToBuilt": {
			reason: "A ready image runs on until the first one is built.", observed: map[kit.Key]kittest.State{wanted: {}}, status: remember(ready, "sha256:9"),
			want: want{URI: ready + "@sha256:9", Digest: "sha256:9"},
		},
		"FromBuiltToGiven": {
			reason: "The other way nothing is waited for.", spec: given, observed: map[kit.Key]kittest.State{older: done("sha256:1")}, status: remember(repository, "sha256:1"),
			want: want{URI: ready + "@sha256:9", Digest: "sha256:9"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := imagePlan(t, tc.spec)

			f, err := From(p, kittest.Observe(p.Name, tc.observed), withAccount(tc.status))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, want{URI: f.Image.URI, Digest: f.Image.Digest}); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}

			if got := f.Image.Builds[plan.BuildComfyUI].State; got != tc.state {
				t.Errorf("%s\nstate of the build: want %q, got %q", tc.reason, tc.state, got)
			}
		})
	}
}

func TestDeclaredModels(t *testing.T) {
	spec := v1alpha1.ComfyUIStudioSpec{Models: v1alpha1.Models{Files: []v1alpha1.ModelFile{{Path: "vae/c", Size: 1}, {Path: "loras/a", Size: 1}, {Path: "loras/b", Size: 1}}}}
	p := imagePlan(t, spec)
	wanted := plan.BuildMarker(plan.BuildModels, p.ContextHash(plan.BuildModels))

	cases := map[string]struct {
		reason   string
		metadata map[string]any
		status   v1alpha1.ComfyUIStudioStatus
		want     Models
	}{
		"Nothing":    {reason: "Nothing is known at first."},
		"Done":       {reason: "All are there.", metadata: map[string]any{"state": "done", "present": "3", "failures": ""}, want: Models{Present: 3}},
		"Partly":     {reason: "What failed is told by its place among the paths in order.", metadata: map[string]any{"state": "partial", "present": "2", "failures": "2:checksum"}, want: Models{Present: 2, Failed: []ModelFailure{{Path: "vae/c", Why: "checksum"}}}},
		"Fetching":   {reason: "A fetch that still runs tells what it has.", metadata: map[string]any{"state": "fetching", "present": "1", "failures": "0:conflict"}, want: Models{Present: 1, Failed: []ModelFailure{{Path: "loras/a", Why: "conflict"}}}},
		"Remembered": {reason: "While a longer list is fetched, what was there is there.", status: v1alpha1.ComfyUIStudioStatus{Models: &v1alpha1.ModelsStatus{Present: 2}}, want: Models{Present: 2}},
		"Shorter":    {reason: "No more can be there than are declared.", status: v1alpha1.ComfyUIStudioStatus{Models: &v1alpha1.ModelsStatus{Present: 7}}, want: Models{Present: 3}},
		"Garbage":    {reason: "Whoever can write the marker cannot break the studio.", metadata: map[string]any{"state": "partial", "present": "many", "failures": "99:x,-1:y,z,:,0"}, want: Models{Failed: []ModelFailure{{Path: "loras/a"}}}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := From(p, kittest.Observe(p.Name, map[kit.Key]kittest.State{wanted: markerAt(tc.metadata)}), withAccount(tc.status))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, f.Image.Models); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func withAccount(s v1alpha1.ComfyUIStudioStatus) v1alpha1.ComfyUIStudioStatus {
	s.Account = "123456789012"
	return s
}
