//go:build !naive_time

package mirror

import (
	"slices"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
)

// holds says whether the file has the object's bytes. No time is looked at: S3's
// have whole seconds, and two versions of one size fit into one.
func (f file) holds(o bucket.Object) bool {
	return f.known && f.Size == o.Size && slices.Contains(f.identity.tags, o.ETag)
}
