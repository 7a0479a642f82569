package main

import (
	"fmt"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// unpublished tells who runs the function what to do. Nothing in a claim helps.
const unpublished = "this version of the function was made without a studio-agent image, which nodes, the front door and the sync of models run: " +
	"start the function with --agent-release FILE, which describes one of your own (image, digest, nodeDaemonSHA256, lambdaSHA256, modelFetcherSHA256)"

// imageSays tells of what builds: a marker that is not there yet is an answer, so
// the resources alone look ready. The claim waits for the first of everything; a
// later build changes the condition and nothing else.
func imageSays(a answer) statement {
	f := a.facts.Image

	if !a.plan.NextRelease.Published() {
		return statement{reason: v1alpha1.ReasonFailed, message: unpublished + meanwhile(f.AgentMirrored), holds: !f.AgentMirrored}
	}

	if s := buildSays(f.Builds[plan.BuildAgent], "the copy of studio-agent", f.AgentMirrored); s.reason != "" {
		return s
	}

	if a.plan.Image.URI != "" {
		return statement{}
	}

	if s := buildSays(f.Builds[plan.BuildComfyUI], "the ComfyUI image", f.Digest != ""); s.reason != "" {
		return s
	}

	if message := rebuildSays(a); message != "" {
		return statement{reason: v1alpha1.ReasonReady, ok: true, message: message}
	}

	return statement{}
}

// rebuildSays tells of rebuilds what somebody may want to do about them.
func rebuildSays(a answer) string {
	r, f := a.plan.Image.Rebuild, a.facts.Image
	if r == nil {
		return ""
	}

	_, digest, _ := strings.Cut(r.Use, "@")

	switch result := f.Builds[plan.BuildComfyUI]; {
	case r.Use != "" && !a.plan.TakesRebuild():
		return "spec.image.rebuild.use is a rebuild of another image than the spec asks for, and changes nothing: remove it"
	case r.Use != "" && digest != f.Digest:
		return "spec.image.rebuild.use names no rebuild of this image, and changes nothing: copy it from status.image.rebuilt"
	case result.Reason != "":
		return "the image cannot be built again: " + lastWords(result) + "; servers run what they have"
	case f.Rebuilt != "":
		return "a rebuild with newer system packages is there: servers change over when spec.image.rebuild.use is " + f.Rebuilt
	}

	return ""
}

// buildSays tells how far a build is. Previous says that there is one to go on
// with.
func buildSays(r facts.BuildResult, what string, previous bool) statement {
	switch r.State {
	case facts.Built:
		return statement{}
	case facts.Failed:
		return statement{
			reason: v1alpha1.ReasonFailed, message: fmt.Sprintf("%s cannot be built: %s%s", what, lastWords(r), meanwhile(previous)), holds: !previous,
		}
	default:
		return statement{reason: v1alpha1.ReasonBuilding, message: what + " is being built" + meanwhile(previous), holds: !previous}
	}
}

// meanwhile tells those who have something that it goes on.
func meanwhile(previous bool) string {
	if !previous {
		return ""
	}

	return "; the previous one keeps running"
}

// modelSyncSays tells of declared models, which nodes can only have when the
// bucket does, of an adopted bucket, and of what nodes will not have. A studio is usable without them.
func modelSyncSays(a answer) statement {
	f, declared := a.facts.Image.Models, len(a.plan.Models)

	if len(f.Failed) > 0 {
		var each []string
		for _, m := range f.Failed {
			each = append(each, m.Path+": "+whyNot(a.plan, m))
		}

		return statement{
			reason:  v1alpha1.ReasonFailed,
			message: fmt.Sprintf("%d of %d declared models are in the bucket; %s", f.Present, declared, list(each, "; ")),
		}
	}

	if r := a.facts.Image.Builds[plan.BuildModels]; declared > 0 && r.State != facts.Built {
		if r.State == facts.Failed {
			return statement{reason: v1alpha1.ReasonFailed, message: "declared models cannot be fetched: " + lastWords(r)}
		}

		return statement{reason: v1alpha1.ReasonCreating, message: fmt.Sprintf("fetching declared models; %d of %d are in the bucket", f.Present, declared)}
	}

	var each []string

	if adopted := a.plan.Buckets[plan.Models].Adopt; adopted != "" {
		each = append(each, "bucket "+adopted+" keeps the notifications it has, so nodes find changes within a minute",
			"to have them within seconds, let it notify queue "+a.plan.SyncQueueName())
	}

	if said := nodesSay(a); said != "" {
		each = append(each, said)
	}

	if len(each) == 0 {
		return statement{}
	}

	return statement{reason: v1alpha1.ReasonReady, ok: true, message: strings.Join(each, "; ")}
}
