package facts

import (
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Image are the facts of part image.
type Image struct {
	// AgentPublished says that our own image and binaries are in the account.
	AgentMirrored bool
	// Digest is that of the built ComfyUI image that servers run, sha256:…, and
	// URI the image with it.
	Digest, URI string
}

func recallImage(v1alpha1.ComfyUIStudioStatus) Image { return Image{} }

func (f *Image) read(plan.Plan, kit.Observed) error { return nil }
