package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// edgeName is the name that AWS shows of a resource of part edge.
func (p Plan) edgeName(kit.Key) string { return "" }
