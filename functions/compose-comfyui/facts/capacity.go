package facts

import (
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Capacity are the facts of part capacity.
type Capacity struct {
}

func recallCapacity(v1alpha1.ComfyUIStudioStatus) Capacity { return Capacity{} }

func (f *Capacity) read(plan.Plan, kit.Observed) error { return nil }
