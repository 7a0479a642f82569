package facts

import (
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Workload are the facts of part workload.
type Workload struct {
	// Seed is what every secret of the studio is derived from, 32 bytes; empty
	// until the studio's Secret was observed.
	Seed string
}

func recallWorkload(v1alpha1.ComfyUIStudioStatus) Workload { return Workload{} }

func (f *Workload) read(plan.Plan, kit.Observed) error { return nil }
