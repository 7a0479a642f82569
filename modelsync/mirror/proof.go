//go:build !naive_delete

package mirror

import (
	"context"
	"errors"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
)

// gone says whether S3 says that there is no such object. A listing is no proof:
// its pages are of different moments. Being refused is none either.
func (m *Mirror) gone(ctx context.Context, k string) (bool, error) {
	if nameless(k) {
		return true, nil
	}

	_, err := m.bucket.Head(ctx, k)
	if errors.Is(err, bucket.ErrAbsent) {
		return true, nil
	}

	return false, err
}
