// Package programs builds the project's programs, each in its own module, with the
// versions that it is shipped with.
package programs

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// The programs of model sync, by their packages.
const (
	Daemon  = "./cmd/node-daemon"
	Fetcher = "./cmd/model-fetcher"
	Lambda  = "./lambda/modelsync"
)

// Build builds a program into a folder and returns its path.
func Build(ctx context.Context, folder, pkg string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/comfyui-studio/comfyui-studio").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find the project: %w", err)
	}

	program := filepath.Join(folder, filepath.Base(pkg))
	build := exec.CommandContext(ctx, "go", "build", "-o", program, pkg)
	build.Dir = strings.TrimSpace(string(root))

	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build %s: %w\n%s", pkg, err, out)
	}

	return program, nil
}
