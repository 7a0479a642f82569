package image

import (
	"encoding/json"
	"fmt"

	ecr "github.com/upbound/provider-aws/v2/apis/namespaced/ecr/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// How many images a registry keeps. The one that servers run is among the newest:
// nothing newer is built but what the spec asks for next. A build that finds its
// image gone makes it anew.
const (
	keepImages      = 20
	keepAgentImages = 5
)

func repositories(p plan.Plan, d *kit.Desired) {
	// With a ready image nothing is built. What was built stays all the same:
	// servers may still run it, and the next change of mind finds it there.
	if p.Image.URI == "" || d.Observed().Exists(plan.Repository) {
		repository(plan.Repository, plan.RepositoryLifecycle, keepImages, d)
	}

	repository(plan.AgentRepository, plan.AgentRepositoryLifecycle, keepAgentImages, d)
}

func repository(itself, lifecycle kit.Key, keep int, d *kit.Desired) {
	d.Add(itself, &ecr.Repository{Spec: ecr.RepositorySpec{ForProvider: ecr.RepositoryParameters{
		// A tag is the hash of what was built: it never means anything else.
		ImageTagMutability:         new("IMMUTABLE"),
		ImageScanningConfiguration: &ecr.ImageScanningConfigurationParameters{ScanOnPush: new(true)},
		// A repository with images in it cannot be deleted otherwise.
		ForceDelete: new(true),
	}}})

	d.Add(lifecycle, &ecr.LifecyclePolicy{Spec: ecr.LifecyclePolicySpec{ForProvider: ecr.LifecyclePolicyParameters{
		RepositoryRef: d.Ref(itself),
		Policy:        new(keepNewest(keep)),
	}}})
}

// A lifecycleRule is a rule of ECR's life-cycle policies.
type lifecycleRule struct {
	Priority    int       `json:"rulePriority"`
	Description string    `json:"description"`
	Selection   selection `json:"selection"`
	Action      action    `json:"action"`
}

type selection struct {
	TagStatus   string `json:"tagStatus"`
	CountType   string `json:"countType"`
	CountNumber int    `json:"countNumber"`
}

type action struct {
	Type string `json:"type"`
}

func keepNewest(n int) string {
	b, err := json.Marshal(struct {
		Rules []lifecycleRule `json:"rules"`
	}{[]lifecycleRule{{
		Priority:    1,
		Description: fmt.Sprintf("Keep the newest %d", n),
		// Layers of a multi-platform image have no tag and are kept by those that do.
		Selection: selection{TagStatus: "any", CountType: "imageCountMoreThan", CountNumber: n},
		Action:    action{Type: "expire"},
	}}})
	if err != nil {
		// Strings and numbers always marshal.
		panic(fmt.Sprintf("cannot marshal life cycle: %v", err))
	}

	return string(b)
}
