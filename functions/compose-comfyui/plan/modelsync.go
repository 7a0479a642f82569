package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// modelSyncName is the name that AWS shows of a resource of part modelsync.
func (p Plan) modelSyncName(kit.Key) string { return "" }
