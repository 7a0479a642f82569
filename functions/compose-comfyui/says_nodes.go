package main

import (
	"fmt"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// nodesSay is what nodes do not have of the models bucket and by waiting will not.
// How far they are is not said: it changes with every upload.
func nodesSay(a answer) string {
	m := a.facts.Workload.Models

	var each []string

	if m.Skipped > 0 {
		each = append(each, fmt.Sprintf("%d of the objects in the models bucket do not fit on a node: take some out of it, or list larger types in spec.pools[].instanceTypes", m.Skipped))
	}

	if m.Refused > 0 {
		each = append(each, fmt.Sprintf("%d of the objects in the models bucket cannot be files on a node, see docs/reference/model-keys.md", m.Refused))
	}

	if m.LastError != "" {
		each = append(each, "node "+steady(m.LastError))
	}

	if len(each) == 0 {
		return ""
	}

	return strings.Join(append(each, "each node says more in s3://"+a.plan.ArtefactBucket()+"/"+plan.NodeStatusPrefix), "; ")
}
