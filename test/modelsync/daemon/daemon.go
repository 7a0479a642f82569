// Package daemon runs the real daemon as a process, as systemd does on a node.
package daemon

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// Options are how a daemon is started.
type Options struct {
	Program, Endpoint, Bucket, Directory string
	// Status is where the status goes, if anywhere.
	Status   string
	Interval time.Duration
	// Rate bounds copies, if it is not 0.
	Rate int64
}

// Start starts a daemon.
func Start(ctx context.Context, o Options) (*exec.Cmd, error) {
	args := []string{
		"--bucket=" + o.Bucket, "--region=" + store.Region, "--directory=" + o.Directory, "--endpoint=" + o.Endpoint,
		"--interval=" + o.Interval.String(), "--reserve=1", "--any-disk", fmt.Sprintf("--rate=%d", o.Rate),
	}
	if o.Status != "" {
		args = append(args, "--status="+o.Status)
	}

	cmd := exec.CommandContext(ctx, o.Program, args...)
	cmd.Env = []string{"AWS_ACCESS_KEY_ID=" + store.AccessKey, "AWS_SECRET_ACCESS_KEY=" + store.SecretKey, "AWS_EC2_METADATA_DISABLED=true"}

	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the daemon: %w", err)
	}

	return cmd, nil
}
