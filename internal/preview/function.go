package preview

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const maxMessage = 32 << 20

// A Function is the composition function, running.
type Function struct {
	client  fnv1.FunctionRunnerServiceClient
	release plan.Release

	conn    *grpc.ClientConn
	process *exec.Cmd
	dir     string
	said    *bytes.Buffer
}

// Start starts the function on a socket of its own.
func Start(ctx context.Context, binary string) (*Function, error) {
	dir, err := os.MkdirTemp("", "render")
	if err != nil {
		return nil, fmt.Errorf("cannot start the function: %w", err)
	}

	f := &Function{dir: dir, release: release(), said: &bytes.Buffer{}}

	if err := f.run(ctx, binary); err != nil {
		f.Stop()
		return nil, fmt.Errorf("cannot start the function: %w", err)
	}

	return f, nil
}

func (f *Function) run(ctx context.Context, binary string) error {
	b, err := yaml.Marshal(f.release)
	if err != nil {
		return err
	}

	file, socket := filepath.Join(f.dir, "release.yaml"), filepath.Join(f.dir, "socket")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return err
	}

	f.process = exec.CommandContext(ctx, binary, "--insecure", "--network=unix", "--address="+socket, "--metrics-address=", "--agent-release="+file)
	f.process.Stdout, f.process.Stderr = f.said, f.said

	if err := f.process.Start(); err != nil {
		return err
	}

	f.conn, err = grpc.NewClient("unix:"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1, MaxDelay: 20 * time.Millisecond}}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.WaitForReady(true)))
	if err != nil {
		return err
	}

	f.client = fnv1.NewFunctionRunnerServiceClient(f.conn)

	return nil
}

// compose is one run of the function.
func (f *Function) compose(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	const patience = 30 * time.Second

	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	rsp, err := f.client.RunFunction(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("cannot run the function: %w; it said: %s", err, strings.TrimSpace(f.said.String()))
	}

	for _, r := range rsp.GetResults() {
		if r.GetSeverity() == fnv1.Severity_SEVERITY_FATAL {
			return nil, errors.New(r.GetMessage())
		}
	}

	return rsp, nil
}

// Stop ends it.
func (f *Function) Stop() {
	if f.conn != nil {
		_ = f.conn.Close()
	}

	if f.process != nil && f.process.Process != nil {
		_ = f.process.Process.Signal(syscall.SIGTERM)
		_ = f.process.Wait()
	}

	_ = os.RemoveAll(f.dir)
}

// release is the studio-agent that studios run. Where none is published yet, a
// picture of one stands for it, so that what waits for it can be seen.
func release() plan.Release {
	r := plan.Released()
	if !r.Published() {
		r.Digest = "sha256:" + strings.Repeat("0", 64)
		r.NodeDaemonSHA256, r.LambdaSHA256, r.ModelFetcherSHA256 = strings.Repeat("0", 64), strings.Repeat("0", 64), strings.Repeat("0", 64)
	}

	return r
}
