package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// workloadNameRules are AWS's rules for the names that part workload decides.
func workloadNameRules() map[kit.Key]string {
	return map[kit.Key]string{
		ServerRole: roleRule,
	}
}
