package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// workloadNameRules are AWS's rules for the names that part workload decides.
func workloadNameRules() map[kit.Key]string {
	// ssm:PutParameter, API reference: letters, digits and .-_ between slashes, no
	// name that begins with aws or ssm, 1,011 characters with the ARN's.
	const parameter = `^/comfyui-studio/[A-Za-z0-9_.-]{1,900}$`

	return map[kit.Key]string{
		FrontDoorRole:   roleRule,
		FrontDoorSecret: parameter,
		FrontDoorTokens: parameter,
		FrontDoorOIDC:   parameter,
	}
}
