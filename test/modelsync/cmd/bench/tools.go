package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/daemon"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const (
	// poll is how exactly the end of a pass is seen.
	poll = time.Millisecond
	// watchEvery is how often memory is looked at.
	watchEvery = 10 * time.Millisecond
)

// result is one run.
type result struct {
	took time.Duration
	// memory is the greatest resident size, in bytes.
	memory int64
	failed bool
}

// ours is the time from the start of the daemon's process to its first pass being
// told as complete.
func ours(program, endpoint string) func(context.Context, string) (result, error) {
	return func(ctx context.Context, directory string) (result, error) {
		told := filepath.Join(filepath.Dir(directory), ".status.json")
		if err := os.Remove(told); err != nil && !errors.Is(err, os.ErrNotExist) {
			return result{}, err
		}

		began := time.Now()

		cmd, err := daemon.Start(ctx, daemon.Options{Program: program, Endpoint: endpoint, Bucket: bucket, Directory: directory, Interval: time.Hour})
		if err != nil {
			return result{}, err
		}

		for !complete(told) {
			time.Sleep(poll)
		}

		took, most := time.Since(began), memory(cmd.Process.Pid)

		if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()); err != nil {
			return result{}, fmt.Errorf("cannot end the daemon: %w", err)
		}

		return result{took: took, memory: most}, nil
	}
}

func complete(path string) bool {
	b, err := os.ReadFile(path)
	if err != nil {
		return false
	}

	var s struct {
		Complete bool `json:"complete"`
	}

	return json.Unmarshal(b, &s) == nil && s.Complete
}

// program is the time that a program takes, with what stands in its environment.
func program(path, endpoint string, with []string, args func(directory string) []string) func(context.Context, string) (result, error) {
	return func(ctx context.Context, directory string) (result, error) {
		cmd := exec.CommandContext(ctx, path, append([]string{"--endpoint-url", endpoint}, args(directory)...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+store.AccessKey, "AWS_SECRET_ACCESS_KEY="+store.SecretKey, "AWS_REGION="+store.Region, "AWS_DEFAULT_REGION="+store.Region, "AWS_EC2_METADATA_DISABLED=true")
		cmd.Env = append(cmd.Env, with...)

		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out

		began := time.Now()

		if err := cmd.Start(); err != nil {
			return result{}, fmt.Errorf("cannot start %s: %w", path, err)
		}

		most := watch(cmd.Process.Pid)
		err := cmd.Wait()
		took := time.Since(began)

		if err != nil {
			return result{}, fmt.Errorf("%s: %w\n%s", path, err, out.String())
		}

		return result{took: took, memory: most()}, nil
	}
}

// watch looks at the memory of a process until its result is asked for. What the
// kernel tells when a process has ended counts its parent's memory as well.
func watch(pid int) func() int64 {
	stop, most := make(chan struct{}), make(chan int64)

	go func() {
		var seen int64

		for {
			seen = max(seen, memory(pid))

			select {
			case <-stop:
				most <- seen
				return
			case <-time.After(watchEvery):
			}
		}
	}()

	return func() int64 {
		close(stop)
		return <-most
	}
}

// memory is the greatest resident size of a process so far, in bytes.
func memory(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}

	_, after, _ := bytes.Cut(b, []byte("VmHWM:"))

	var kilobytes int64
	if _, err := fmt.Sscan(string(after), &kilobytes); err != nil {
		return 0
	}

	return kilobytes << 10 //nolint:mnd // As the kernel counts.
}

func find(name, path string) string {
	if path != "" {
		return path
	}

	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}

	return path
}
