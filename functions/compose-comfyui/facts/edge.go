package facts

import (
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Edge are the facts of part edge.
type Edge struct {
	// LoadBalancerARN, LoadBalancerDNSName and LoadBalancerZoneID are the internal
	// load balancer's.
	LoadBalancerARN, LoadBalancerDNSName, LoadBalancerZoneID string
	// AutoscalingGroup is that of the system nodes.
	AutoscalingGroup string
}

func recallEdge(v1alpha1.ComfyUIStudioStatus) Edge { return Edge{} }

func (f *Edge) read(plan.Plan, kit.Observed) error { return nil }
