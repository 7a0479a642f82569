package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// imageName is the name that AWS shows of a resource of part image.
func (p Plan) imageName(k kit.Key) string {
	if k == ArtefactKey(BucketItself) {
		return p.ArtefactBucket()
	}

	return ""
}

// ArtefactBucket is the bucket of build contexts, markers and our own binaries;
// empty until the account is known.
func (p Plan) ArtefactBucket() string {
	if p.Account == "" {
		return ""
	}

	return fit("comfyui-artefacts", "-"+p.Account+"-"+p.RegionName+"-"+p.id(), maxBucket)
}
