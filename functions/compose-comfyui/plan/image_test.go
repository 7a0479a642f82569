package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

func released1() Release {
	return Release{
		Image: "ghcr.io/comfyui-studio/studio-agent", Digest: "sha256:" + strings.Repeat("a1", 32),
		NodeDaemonSHA256: strings.Repeat("b2", 32), LambdaSHA256: strings.Repeat("c3", 32), ModelFetcherSHA256: strings.Repeat("d4", 32),
	}
}

// TestContextHash holds what makes another build and what does not: a hash that
// changes for nothing rebuilds every studio's image, one that does not change
// leaves people with the image they had.
func TestContextHash(t *testing.T) {
	built := func(mods ...func(*v1alpha1.ComfyUIStudio)) func(*testing.T) Plan {
		return func(t *testing.T) Plan {
			t.Helper()

			return newPlan(t, append([]func(*v1alpha1.ComfyUIStudio){func(xr *v1alpha1.ComfyUIStudio) {
				xr.Spec.Image.ComfyUI.Version = "v0.28.0"
				xr.Spec.Image.PipPackages = []string{"a==1", "b==2"}
				xr.Spec.Models.Files = []v1alpha1.ModelFile{{Path: "loras/a", Size: 1}, {Path: "loras/b", Size: 2}}
			}}, mods...)...).WithRelease(released1())
		}
	}
	was := built()

	cases := map[string]struct {
		reason  string
		plan    func(t *testing.T) Plan
		changed []Build
	}{
		"Same":         {reason: "The same wish has the same hash.", plan: built()},
		"OtherStudio":  {reason: "Whoever wishes.", plan: built(called("film", "paris"))},
		"Tags":         {reason: "What the image is not made of changes nothing.", plan: built(func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Tags = map[string]v1alpha1.TagValue{"a": "b"} })},
		"PackageOrder": {reason: "The order of packages means nothing.", plan: built(func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Image.PipPackages = []string{"b==2", "a==1"} })},
		"ModelOrder": {
			reason: "Nor does that of models.",
			plan: built(func(xr *v1alpha1.ComfyUIStudio) {
				f := xr.Spec.Models.Files
				f[0], f[1] = f[1], f[0]
			}),
		},
		"Version": {
			reason: "Another ComfyUI is another image.", changed: []Build{BuildComfyUI},
			plan: built(func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Image.ComfyUI.Version = "v0.29.0" }),
		},
		"Package": {
			reason: "So is another package.", changed: []Build{BuildComfyUI},
			plan: built(func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Image.PipPackages = []string{"a==2", "b==2"} }),
		},
		"CustomNode": {
			reason: "So is another custom node.", changed: []Build{BuildComfyUI},
			plan: built(func(xr *v1alpha1.ComfyUIStudio) {
				xr.Spec.Image.CustomNodes = []v1alpha1.CustomNode{{ID: "a", Version: "1.0.0"}}
			}),
		},
		"Model": {
			reason: "Another model is another fetch.", changed: []Build{BuildModels},
			plan: built(func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Models.Files[0].SHA256 = "x" }),
		},
		"Token": {
			reason: "So is another token for one.", changed: []Build{BuildModels},
			plan: built(func(xr *v1alpha1.ComfyUIStudio) {
				xr.Spec.Models.Files[0].TokenSecretRef = &v1alpha1.SecretKeyRef{Name: "hub", Key: "token"}
			}),
		},
		"Release": {
			reason: "Another studio-agent is another mirror.", changed: []Build{BuildAgent},
			plan: func(t *testing.T) Plan {
				t.Helper()

				r := released1()
				r.LambdaSHA256 = strings.Repeat("d4", 32)

				return built()(t).WithRelease(r)
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p, q := was(t), tc.plan(t)

			var changed []Build

			for _, b := range Builds() {
				if p.ContextHash(b) == "" {
					t.Fatalf("ContextHash(%s): is empty", b)
				}

				if p.ContextHash(b) != q.ContextHash(b) {
					changed = append(changed, b)
				}
			}

			if diff := cmp.Diff(tc.changed, changed); diff != "" {
				t.Errorf("%s\nbuilds that change: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestNothingToBuild holds that what the spec does not ask for is not built.
func TestNothingToBuild(t *testing.T) {
	p := newPlan(t, func(xr *v1alpha1.ComfyUIStudio) {
		xr.Spec.Image.URI = "public.ecr.aws/team/comfyui@sha256:" + strings.Repeat("e5", 32)
	}).WithRelease(Release{Image: "ghcr.io/comfyui-studio/studio-agent"})

	for _, b := range Builds() {
		if got := p.ContextHash(b); got != "" {
			t.Errorf("ContextHash(%s): want none, got %q", b, got)
		}
	}
}

// TestRunning holds what a studio runs while a newer release is on its way into
// its account.
func TestRunning(t *testing.T) {
	before, next := released1(), released1()
	next.Digest = "sha256:" + strings.Repeat("f6", 32)

	p := newPlan(t).WithRelease(next).InAccount("123456789012")
	if want, got := "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/tokyo-128572-studio-agent@"+next.Digest, p.AgentImage(); got != want {
		t.Errorf("AgentImage(): want %q, got %q", want, got)
	}

	if got := p.Running(Release{}).Release.Digest; got != next.Digest {
		t.Errorf("A new studio has nothing else.\nRunning(…): got %q", got)
	}

	q := p.Running(before)
	if q.Release.Digest != before.Digest || q.NextRelease.Digest != next.Digest {
		t.Errorf("What runs stays until the next is there, and the next is built.\nRunning(…): got %q, next %q", q.Release.Digest, q.NextRelease.Digest)
	}

	before.ModelFetcherSHA256 = ""
	if want, got := p.ModelFetcherObject(), p.Running(before).ModelFetcherObject(); got != want || got == "" {
		t.Errorf("A release from before there was a fetcher goes on with the next one's.\nModelFetcherObject(): want %q, got %q", want, got)
	}

	if p.ContextHash(BuildAgent) != q.ContextHash(BuildAgent) {
		t.Error("What is built does not depend on what runs.")
	}
}

// TestRepositoryName holds the one rule that a claim's name can break: ECR takes
// no two dashes in a row.
func TestRepositoryName(t *testing.T) {
	p := newPlan(t, called("art", "a--b---c"))
	if want, got := "a-b-c-"+p.id()+"-comfyui", p.ExternalName(Repository); got != want {
		t.Errorf("ExternalName(Repository): want %q, got %q", want, got)
	}
}

func TestModelTokens(t *testing.T) {
	hub, other := &v1alpha1.SecretKeyRef{Name: "hub", Key: "token"}, &v1alpha1.SecretKeyRef{Name: "hub", Key: "other"}
	p := newPlan(t, func(xr *v1alpha1.ComfyUIStudio) {
		xr.Spec.Models.Files = []v1alpha1.ModelFile{
			{Path: "loras/a", TokenSecretRef: hub}, {Path: "loras/b", TokenSecretRef: hub}, {Path: "loras/c", TokenSecretRef: other}, {Path: "loras/d"},
		}
	})

	got := p.ModelTokens()
	if len(got) != 2 || got[0].Hash == got[1].Hash || got[0].Name == got[1].Name {
		t.Errorf("Each token is carried once.\nModelTokens(): got %v", got)
	}

	if strings.Contains(p.Context(BuildModels), `"tokenSecret":"hub"`) {
		t.Error("The recipe names the secret in AWS, not the claim's.")
	}
}

func TestSourceBuckets(t *testing.T) {
	p := newPlan(t, func(xr *v1alpha1.ComfyUIStudio) {
		xr.Spec.Models.Files = []v1alpha1.ModelFile{
			{Path: "loras/a", URL: "s3://team/x"}, {Path: "loras/b", URL: "s3://team/y/z"}, {Path: "loras/c", URL: "https://example.com/s3://no/x"}, {Path: "loras/d", URL: "s3://art/x"},
		}
	})

	if diff := cmp.Diff([]string{"art", "team"}, p.SourceBuckets()); diff != "" {
		t.Errorf("SourceBuckets(): -want, +got:\n%s", diff)
	}
}
