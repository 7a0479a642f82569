// Package process is internal/comfytest as a process, with the life of one: its
// port opens when it has started, SIGTERM does nothing, as to a Python that is the
// first process of its container, and SIGINT ends it at once. A test's own binary
// may be the process: TestMain calls Main where the environment says so.
package process

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

// killed is how a process ends that the kernel took memory from.
const killed = 137

type flags struct {
	Listen  string `default:"127.0.0.1" help:"Address to listen on."`
	Port    int    `default:"8188"      help:"Port to listen on; 0 takes a free one."`
	Release string `default:"0.28.0"    help:"The release to be like: 0.28.0 or 0.3.64."`

	Directory       string `help:"Where input, output, temp, user and models are." required:""`
	OutputDirectory string `help:"Where outputs go, if it is another place."`

	Tick       time.Duration `default:"100ms" help:"What a step of SlowTick takes where the graph does not say."`
	StartDelay time.Duration `help:"How long the start takes before the port opens."`
	CrashAfter time.Duration `help:"Crash this long after the start, as when memory runs out."`
}

// Main is the process.
func Main() {
	f := flags{}
	kong.Parse(&f, kong.Description("ComfyUI for tests, without Python, models or a GPU."))

	if err := run(f); err != nil {
		fmt.Fprintln(os.Stderr, "comfyui:", err)
		os.Exit(1)
	}
}

func run(f flags) error {
	signal.Ignore(syscall.SIGTERM)

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT)

	select {
	case <-time.After(f.StartDelay):
	case <-interrupted:
		return nil
	}

	s, err := comfytest.New(comfytest.Options{
		Release: comfytest.Release(f.Release), Directory: f.Directory, Output: f.OutputDirectory, Tick: f.Tick, Arguments: os.Args[1:],
	})
	if err != nil {
		return err
	}

	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(f.Listen, strconv.Itoa(f.Port)))
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}

	fmt.Printf("To see the GUI go to: http://%s\n", l.Addr())

	served := make(chan error, 1)

	go func() { served <- http.Serve(l, s) }() //nolint:gosec // It ends with the test.

	var crash <-chan time.Time
	if f.CrashAfter > 0 {
		crash = time.After(f.CrashAfter)
	}

	select {
	case <-interrupted:
		s.Close()
		return nil
	case <-crash:
		os.Exit(killed)
	case err := <-served:
		return fmt.Errorf("cannot serve: %w", err)
	}

	return nil
}
