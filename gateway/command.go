// Package gateway is the front door as a command: studio-agent has it beside its
// other tasks.
package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/comfyui-studio/comfyui-studio/gateway/nodes"
	"github.com/comfyui-studio/comfyui-studio/gateway/parameter"
	"github.com/comfyui-studio/comfyui-studio/gateway/run"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
)

// Command are the front door's flags.
type Command struct {
	Config  string `help:"File with the configuration."                            required:""`
	Traffic int    `default:"8080"                                                 help:"Port for people and programs."`
	Health  int    `default:"8081"                                                 help:"Port for health checks, metrics and other front doors."`
}

// Run serves until it is told to stop.
func (c *Command) Run() error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(run.Memory)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	o, err := c.options(ctx)
	if err != nil {
		return err
	}

	return run.Run(ctx, o)
}

func (c *Command) options(ctx context.Context) (run.Options, error) {
	o, err := run.FromEnvironment(run.Options{
		ConfigFile: c.Config, HealthPort: c.Health, Notice: run.Notice, Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		Parameters: func(ctx context.Context, region string) (secret.Source, error) { return parameter.New(ctx, region, "") },
		Models:     nodes.New,
	})
	if err != nil {
		return o, err
	}

	inside, err := rest.InClusterConfig()
	if err != nil {
		return o, fmt.Errorf("cannot find the cluster: %w", err)
	}

	if o.Kubernetes, err = kubernetes.NewForConfig(inside); err != nil {
		return o, fmt.Errorf("cannot use the cluster: %w", err)
	}

	var listen net.ListenConfig
	if o.Traffic, err = listen.Listen(ctx, "tcp", ":"+strconv.Itoa(c.Traffic)); err != nil {
		return o, fmt.Errorf("cannot listen for traffic: %w", err)
	}

	if o.Health, err = listen.Listen(ctx, "tcp", ":"+strconv.Itoa(c.Health)); err != nil {
		return o, fmt.Errorf("cannot listen for health checks: %w", err)
	}

	return o, nil
}
