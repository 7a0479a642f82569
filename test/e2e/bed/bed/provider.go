package bed

import (
	"context"

	"k8s.io/client-go/rest"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

func newProvider(_ *rest.Config, _ *cloud.AWS) (func(context.Context) error, error) {
	return func(ctx context.Context) error { <-ctx.Done(); return nil }, nil
}
