package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// edgeNameRules are AWS's rules for the names that part edge decides.
func edgeNameRules() map[kit.Key]string {
	return map[kit.Key]string{}
}
