package main

import (
	"fmt"
	"io"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
)

// acceptNewPassword is the annotation by which people say that a studio whose
// Secret is lost shall get a new one.
const acceptNewPassword = "aws.comfyui-studio.io/accept-new-password" //nolint:gosec // It is no password but the name of an annotation.

// drawSeed draws a seed for a studio that never had one. It is the one thing in a
// run that is not derived from the request: what a password came from must not be
// found in the claim's name, its UID or anything else that others can read.
//
// A seed that was there and is gone is not replaced: people's password would
// change without a word, and CloudFront would be refused by the front door. When
// people accept that, what there is goes over to the new one at once, since it
// cannot be composed without any.
func drawSeed(random io.Reader, xr *v1alpha1.ComfyUIStudio, p plan.Plan, w facts.Workload) (facts.Workload, error) {
	if w.Seed != "" {
		return w, nil
	}

	if w.SeedSeen && xr.GetAnnotations()[acceptNewPassword] != "true" {
		return w, fmt.Errorf("Secret %s/%s is gone, and the studio's password and sessions come from it; restore it, or accept a new password with kubectl -n %s annotate comfyuistudio %s %s=true, see docs/runbooks/password.md", //nolint:staticcheck // The sentence begins with a kind's name.
			p.Namespace, p.Name(plan.StudioSecret), p.Namespace, p.Studio, acceptNewPassword)
	}

	b := make([]byte, secrets.SeedSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return w, fmt.Errorf("cannot draw a seed for the studio's password: %w", err)
	}

	w.DrawnSeed = string(b)
	if w.SeedSeen {
		w.Seed = w.DrawnSeed
	}

	return w, nil
}
