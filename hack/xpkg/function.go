package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/comfyui-studio/comfyui-studio/hack/image"
)

// sources are what our packages are made of.
func sources() []string { return []string{"go.mod", "go.sum", "apis", "functions", "package"} }

// platforms are those that management clusters run on.
func platforms() []string { return []string{"amd64", "arm64"} }

var semantic = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

// check refuses what Crossplane would stumble over long after.
func (f *flags) check() error {
	if !semantic.MatchString(f.Version) {
		return fmt.Errorf("cannot make version %q: Crossplane's dependencies understand semantic versions such as v1.2.3 only", f.Version)
	}

	if _, err := name.NewRepository(f.Registry+"/"+functionName, name.StrictValidation); err != nil {
		return fmt.Errorf("cannot make packages for registry %q: %w", f.Registry, err)
	}

	return nil
}

// twice makes our packages in two places, from one copy of the source: it may
// change under the hands of whoever works on it.
func twice(ctx context.Context, registry, version string) ([]pkg, error) {
	dir, err := os.MkdirTemp("", "xpkg")
	if err != nil {
		return nil, fmt.Errorf("cannot make room: %w", err)
	}
	defer os.RemoveAll(dir)

	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "another", "place")
	if err := errors.Join(image.Copy(one, ".", sources()...), image.Copy(other, one, sources()...)); err != nil {
		return nil, err
	}

	first, err := from(ctx, other, registry, version)
	if err != nil {
		return nil, err
	}

	second, err := from(ctx, one, registry, version)
	if err != nil {
		return nil, err
	}

	return second, same(first, second)
}

func from(ctx context.Context, root, registry, version string) ([]pkg, error) {
	programs := map[string][]byte{}

	for _, arch := range platforms() {
		b, err := image.Program(ctx, root, arch, "./functions/compose-comfyui")
		if err != nil {
			return nil, err
		}

		programs[arch] = b
	}

	made, err := ours(root, registry, version, programs)
	if err != nil {
		return nil, err
	}

	made[0].bom, err = functionBOM(version, programs)

	return made, err
}

// same says whether packages from two places are the same.
func same(a, b []pkg) error {
	for n := range a {
		one, err := digestOf(a[n].images)
		if err != nil {
			return fmt.Errorf("cannot name %s: %w", a[n].name(), err)
		}

		other, err := digestOf(b[n].images)
		if err != nil {
			return fmt.Errorf("cannot name %s: %w", b[n].name(), err)
		}

		if one != other {
			return fmt.Errorf("%s is another package when it is made in another place (%s, %s): nobody could check what was published", a[n].name(), one, other)
		}
	}

	return nil
}
