package main

import (
	"strings"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// maxFailedModels is how many models the status names, as its schema says.
const maxFailedModels = 16

// imageStatus tells what the image is and which models are there.
func imageStatus(a answer, s *v1alpha1.ComfyUIStudioStatus) {
	f := a.facts.Image
	uri, _, _ := strings.Cut(f.URI, "@")

	s.Image = &v1alpha1.ImageStatus{URI: uri, Digest: f.Digest, State: imageState(a), Rebuilt: f.Rebuilt}
	if s.Image.State == v1alpha1.ImageStateFailed {
		s.Image.Reason = lastWords(f.Builds[plan.BuildComfyUI])
	}

	if f.AgentMirrored {
		s.Image.Agent = &v1alpha1.AgentStatus{
			Digest: f.Agent.Digest, NodeDaemonSHA256: f.Agent.NodeDaemonSHA256, LambdaSHA256: f.Agent.LambdaSHA256,
			ModelFetcherSHA256: f.Agent.ModelFetcherSHA256,
		}
	}

	if len(a.plan.Models) == 0 {
		return
	}

	s.Models = &v1alpha1.ModelsStatus{Declared: int32(len(a.plan.Models)), Present: f.Models.Present} //nolint:gosec // A hundred at most.

	for _, m := range f.Models.Failed[:min(maxFailedModels, len(f.Models.Failed))] {
		s.Models.Failed = append(s.Models.Failed, v1alpha1.ModelFailure{Path: m.Path, Reason: whyNot(a.plan, m)})
	}
}

// imageState is how far the image is that the spec asks for.
func imageState(a answer) v1alpha1.ImageState {
	if a.plan.Image.URI != "" {
		return v1alpha1.ImageStateReady
	}

	switch a.facts.Image.Builds[plan.BuildComfyUI].State {
	case facts.Built:
		return v1alpha1.ImageStateReady
	case facts.Failed:
		return v1alpha1.ImageStateFailed
	default:
	}

	if a.observed.Exists(plan.BuildSchedule(plan.BuildComfyUI, a.plan.ContextHash(plan.BuildComfyUI))) {
		return v1alpha1.ImageStateBuilding
	}

	return v1alpha1.ImageStatePending
}

// lastWords of a failed build, and where there are more.
func lastWords(r facts.BuildResult) string {
	out := r.Reason
	if out == "" {
		out = "the build says nothing"
	}

	if r.Log != "" {
		out += "; see " + r.Log
	}

	return out
}
