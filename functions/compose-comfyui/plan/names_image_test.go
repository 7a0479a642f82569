package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// imageNameRules are AWS's rules for the names that part image decides.
func imageNameRules() map[kit.Key]string {
	return map[kit.Key]string{
		ArtefactKey(BucketItself): bucketRule,
	}
}
