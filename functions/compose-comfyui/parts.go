package main

import (
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/part/capacity"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/part/cluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/part/edge"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/part/image"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/part/modelsync"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/part/network"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/part/storage"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/part/workload"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// A part is one aspect of a studio. Its resources have keys that start with its
// name, and one condition of the claim speaks for them.
type part struct {
	name      string
	condition v1alpha1.ConditionType
	compose   func(p plan.Plan, f facts.Facts, d *kit.Desired)
	// says is what the part's resources do not tell of themselves, or nil. It
	// comes last: what a resource says of itself goes before.
	says func(a answer) statement
}

// A statement is what a part says of itself in its condition.
type statement struct {
	// reason is empty where there is nothing to say.
	reason  v1alpha1.ConditionReason
	message string
	// ok is the condition's status.
	ok bool
	// holds keeps the claim from Ready.
	holds bool
}

// parts is the list to read first. Its order is that of the conditions and the
// documents; what is made when follows from references and gates alone.
func parts() []part {
	return []part{
		{name: "network", condition: v1alpha1.NetworkReady, compose: network.Compose},
		{name: "cluster", condition: v1alpha1.ClusterReady, compose: cluster.Compose},
		{name: "capacity", condition: v1alpha1.CapacityReady, compose: capacity.Compose, says: capacitySays},
		{name: "storage", condition: v1alpha1.StorageReady, compose: storage.Compose},
		{name: "modelsync", condition: v1alpha1.ModelSyncReady, compose: modelsync.Compose, says: modelSyncSays},
		{name: "image", condition: v1alpha1.ImageReady, compose: image.Compose, says: imageSays},
		{name: "workload", condition: v1alpha1.WorkloadReady, compose: workload.Compose, says: workloadSays},
		{name: "edge", condition: v1alpha1.EdgeReady, compose: edge.Compose, says: edgeSays},
	}
}
