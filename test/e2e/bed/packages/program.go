package packages

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Program is what a container of an image would run on this machine: the file that
// the image's entrypoint names. The reference is to a registry that can be reached.
func Program(ctx context.Context, reference string) ([]byte, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return nil, fmt.Errorf("cannot pull %q: %w", reference, err)
	}

	i, err := remote.Image(ref, remote.WithContext(ctx), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
	if err != nil {
		return nil, fmt.Errorf("cannot pull %s: %w", reference, err)
	}

	config, err := i.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("cannot pull %s: %w", reference, err)
	}

	if config.OS != "linux" || config.Architecture != runtime.GOARCH || len(config.Config.Entrypoint) == 0 {
		return nil, fmt.Errorf("cannot run %s: it is for %s/%s and runs %q", reference, config.OS, config.Architecture, config.Config.Entrypoint)
	}

	b, err := file(i, strings.TrimPrefix(config.Config.Entrypoint[0], "/"))
	if err != nil {
		return nil, fmt.Errorf("cannot run %s: %w", reference, err)
	}

	return b, nil
}

// file is a file of an image that may be run.
func file(i v1.Image, path string) ([]byte, error) {
	r := mutate.Extract(i)
	defer r.Close()

	for files := tar.NewReader(r); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("it has no file %s", path)
		}

		if err != nil {
			return nil, err
		}

		if h.Name != path {
			continue
		}

		if h.Mode&0o111 == 0 {
			return nil, fmt.Errorf("nobody may run its file %s", path)
		}

		return io.ReadAll(files)
	}
}
