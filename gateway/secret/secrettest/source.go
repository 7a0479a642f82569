// Package secrettest has parameters for tests.
package secrettest

import (
	"context"

	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
)

// A Source is parameters by their names.
type Source map[string]string

// Parameter is the value of a parameter.
func (s Source) Parameter(_ context.Context, name string) (string, error) {
	v, ok := s[name]
	if !ok {
		return "", secret.ErrMissing
	}

	return v, nil
}
