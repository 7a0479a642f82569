package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// modelSyncNameRules are AWS's rules for the names that part modelsync decides.
func modelSyncNameRules() map[kit.Key]string {
	return map[kit.Key]string{}
}
