package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// capacityNameRules are AWS's rules for the names that part capacity decides.
func capacityNameRules() map[kit.Key]string {
	return map[kit.Key]string{
		KarpenterRole: roleRule,
		GPUNodeRole:   roleRule,
		// iam:CreateInstanceProfile allows 128; ours is as long as a role's.
		GPUNodeProfile: roleRule,
	}
}
