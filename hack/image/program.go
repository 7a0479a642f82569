package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Program compiles a static program for Linux, from the source in a folder. What
// depends on where, when and for whom it is built is left out: the same source and
// the same Go give the same bytes.
func Program(ctx context.Context, root, arch, source string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "program")
	if err != nil {
		return nil, fmt.Errorf("cannot make room: %w", err)
	}
	defer os.RemoveAll(dir)

	out := filepath.Join(dir, "program")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", out, source)
	cmd.Dir = root
	// These are whoever's shell; what is built is not.
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off")

	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot build %s for %s: %w\n%s", source, arch, err, text)
	}

	b, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", source, err)
	}

	return b, nil
}

// Copy puts files and folders of the source, as they are now, where nothing else of
// it is.
func Copy(to, root string, names ...string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("cannot copy the source: %w", err)
	}

	for _, name := range names {
		from := filepath.Join(root, name)

		about, err := os.Stat(from)
		if err == nil && about.IsDir() {
			err = os.CopyFS(filepath.Join(to, name), os.DirFS(from))
		} else if err == nil {
			err = copyFile(filepath.Join(to, name), from)
		}

		if err != nil {
			return fmt.Errorf("cannot copy the source: %w", err)
		}
	}

	return nil
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}

	return os.WriteFile(to, b, 0o644) //nolint:gosec // Both are ours.
}
