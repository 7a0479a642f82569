// Package daemon runs the real daemon as a process, as systemd does on a node.
package daemon

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// Build builds the daemon in its own module and returns its path.
func Build(ctx context.Context, folder string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/comfyui-studio/comfyui-studio").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find the project: %w", err)
	}

	program := filepath.Join(folder, "node-daemon")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/node-daemon")
	build.Dir = strings.TrimSpace(string(root))

	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the daemon: %w\n%s", err, out)
	}

	return program, nil
}

// Options are how a daemon is started.
type Options struct {
	Program, Endpoint, Bucket, Directory string
	// Status is where the status goes, if anywhere.
	Status   string
	Interval time.Duration
	// Log is where the log goes, if anywhere.
	Log *os.File
}

// Start starts a daemon.
func Start(ctx context.Context, o Options) (*exec.Cmd, error) {
	args := []string{
		"--bucket=" + o.Bucket, "--region=" + store.Region, "--directory=" + o.Directory, "--endpoint=" + o.Endpoint,
		"--interval=" + o.Interval.String(), "--reserve=1", "--any-disk",
	}
	if o.Status != "" {
		args = append(args, "--status="+o.Status)
	}

	cmd := exec.CommandContext(ctx, o.Program, args...)
	cmd.Env = []string{"AWS_ACCESS_KEY_ID=" + store.AccessKey, "AWS_SECRET_ACCESS_KEY=" + store.SecretKey, "AWS_EC2_METADATA_DISABLED=true"}
	cmd.Stderr = o.Log

	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the daemon: %w", err)
	}

	return cmd, nil
}
