package main

import (
	"fmt"
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

	s.Image = &v1alpha1.ImageStatus{URI: uri, Digest: f.Digest, State: imageState(a)}
	if s.Image.State == v1alpha1.ImageStateFailed {
		s.Image.Reason = lastWords(f.Builds[plan.BuildComfyUI])
	}

	if f.AgentMirrored {
		s.Image.Agent = &v1alpha1.AgentStatus{
			Digest: f.Agent.Digest, NodeDaemonSHA256: f.Agent.NodeDaemonSHA256, LambdaSHA256: f.Agent.LambdaSHA256,
		}
	}

	if len(a.plan.Models) == 0 {
		return
	}

	s.Models = &v1alpha1.ModelsStatus{Declared: int32(len(a.plan.Models)), Present: f.Models.Present} //nolint:gosec // A hundred at most.

	for _, m := range f.Models.Failed[:min(maxFailedModels, len(f.Models.Failed))] {
		s.Models.Failed = append(s.Models.Failed, v1alpha1.ModelFailure{Path: m.Path, Reason: whyNot(m.Why)})
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

// whyNot says in words why a model could not be fetched.
func whyNot(code string) string {
	switch code {
	case "conflict":
		return "the bucket holds another file there, which is left alone: rename or delete one of the two"
	case "checksum":
		return "what its url gives has another sha256: correct spec.models.files, or ask the source"
	case "size":
		return "what its url gives has another size: correct spec.models.files, or ask the source"
	case "source":
		return "its url cannot be fetched: correct the url, or the token in tokenSecretRef"
	case "no-room":
		return "it is larger than the 128 GB disk of the build: upload it into the bucket yourself"
	case "denied", "bucket":
		return "the models bucket refuses the build: look at the bucket's policy"
	default:
		return fmt.Sprintf("the build says %q", code)
	}
}
