package plan

import (
	"maps"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// Tags that the studio puts on everything, and that policies and people find it
// by.
const (
	// TagStudio holds namespace/name: one value per studio of an account.
	TagStudio = "comfyui-studio"
	// TagPart says which part of the studio a resource belongs to.
	TagPart = "comfyui-studio-part"
)

// StudioTag is the value of TagStudio.
func (p Plan) StudioTag() string { return p.Namespace + "/" + p.Studio }

// Tags are put on a resource. What people ask for is merged under the studio's
// own, which policies rely on.
func (p Plan) Tags(k kit.Key) map[string]string {
	out := make(map[string]string, len(p.tags)+3)
	maps.Copy(out, p.tags)
	// The consoles show it.
	out["Name"] = p.Name(k)
	out[TagStudio] = p.StudioTag()
	out[TagPart] = PartOf(k)

	return out
}

func userTags(tags map[string]v1alpha1.TagValue) map[string]string {
	out := make(map[string]string, len(tags))
	for k, v := range tags {
		out[k] = string(v)
	}

	return out
}
