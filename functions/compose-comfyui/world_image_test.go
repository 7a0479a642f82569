package main

import (
	"strings"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const builtDigest = "sha256:d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"

// builtAt adds what a build leaves behind: every build ends well and at once.
func builtAt(key string, at map[string]any) map[string]any {
	r := testRelease()

	for b, marker := range map[plan.Build]map[string]any{
		plan.BuildComfyUI: {"state": "done", "digest": builtDigest},
		plan.BuildAgent:   {"state": "done", "digest": r.Digest, "node-daemon": r.NodeDaemonSHA256, "lambda": r.LambdaSHA256},
		plan.BuildModels:  {"state": "done", "present": "128", "failures": ""},
	} {
		if strings.HasPrefix(key, plan.BuildMarkers(b)) {
			at["metadata"] = marker
		}
	}

	return at
}
