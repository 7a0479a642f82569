package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// capacityName is the name that AWS shows of a resource of part capacity.
func (p Plan) capacityName(k kit.Key) string {
	switch k {
	case KarpenterRole:
		return p.name("karpenter", maxRole)
	case GPUNodeRole:
		return p.name("gpu-node", maxRole)
	case GPUNodeProfile:
		return p.InstanceProfile()
	}

	return ""
}

// InstanceProfile is the instance profile of GPU nodes, by name.
func (p Plan) InstanceProfile() string { return p.name("gpu-node", maxRole) }
