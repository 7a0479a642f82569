package main

import (
	"testing"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
)

// TestNodesSay holds that what a node will never have is not hidden, and that a
// studio is ready all the same.
func TestNodesSay(t *testing.T) {
	const more = "each node says more in s3://comfyui-artefacts-123456789012-ap-northeast-1-128572/nodes/"

	cases := map[string]struct {
		reason string
		models facts.NodeModels
		want   string
	}{
		"Equal":   {reason: "Nodes that have everything say nothing.", models: facts.NodeModels{Nodes: 3, Equal: 3}},
		"Behind":  {reason: "Nor do those that still copy.", models: facts.NodeModels{Nodes: 3, Equal: 1}},
		"Skipped": {reason: "What does not fit is told.", models: facts.NodeModels{Nodes: 3, Equal: 3, Skipped: 2}, want: "2 of the objects in the models bucket do not fit on a node: take some out of it, or list larger types in spec.pools[].instanceTypes; " + more},
		"Refused": {reason: "And what cannot be a file.", models: facts.NodeModels{Nodes: 3, Equal: 3, Refused: 1}, want: "1 of the objects in the models bucket cannot be files on a node, see docs/reference/model-keys.md; " + more},
		"Failing": {reason: "And why a node goes on trying, without what is another each time.", models: facts.NodeModels{Nodes: 3, LastError: "i-1: cannot list, RequestID: 0A1, denied"}, want: "node i-1: cannot list denied; " + more},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a := answerOf(t, testRelease(), facts.Image{}, nil)
			a.facts.Workload.Models = tc.models

			want := statement{}
			if tc.want != "" {
				want = statement{reason: v1alpha1.ReasonReady, ok: true, message: tc.want}
			}

			if got := modelSyncSays(a); got != want {
				t.Errorf("%s\nmodelSyncSays(...): want %+v\n got %+v", tc.reason, want, got)
			}
		})
	}
}
