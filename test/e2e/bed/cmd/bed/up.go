package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/state"
)

// patience with another process's start or stop.
const patience = 2 * time.Minute

// upFlags are the flags of up.
type upFlags struct {
	dir     string
	options bed.Options
	detach  bool
}

func parseUp(args []string) (upFlags, error) {
	f := upFlags{}
	fs := flag.NewFlagSet("up", flag.ContinueOnError)
	fs.Float64Var(&f.options.Scale, "scale", bed.DefaultScale, "simulated seconds in a real second")
	fs.BoolVar(&f.detach, "detach", false, "return when the bed is ready and leave it running")
	fs.BoolVar(&f.options.StockCircuitBreaker, "stock-circuit-breaker", false, "leave the core's circuit breaker at its default settings")
	fs.StringVar(&f.options.Packages, "packages", "", "directory of the packages to install, as hack/xpkg writes it (default _output/bed-packages, or none with --function or --apis)")
	fs.StringVar(&f.options.FunctionBinary, "function", "", "a composition function's program to run in place of the packages' (default _output/bin/compose-comfyui)")
	fs.StringVar(&f.options.APIs, "apis", "", "directory with an XRD, a composition and an activation policy to install as they are, in place of packages")
	fs.Func("workload", "what stands behind studios' clusters: light (played) or real (a Kubernetes API each; default light)", func(s string) error {
		switch s {
		case "light":
			f.options.Workload = bed.Light
		case "real":
			f.options.Workload = bed.Real
		default:
			return fmt.Errorf("%q is neither light nor real", s)
		}

		return nil
	})
	fs.Func("fault", "fault of the simulated AWS, by name or as settings such as kind=VPC,mode=throttle; may be repeated", func(s string) error {
		f.options.Faults = append(f.options.Faults, s)
		_, err := cloud.ParseFault(s)

		return err
	})

	dir, err := parse(fs, args)
	if err != nil {
		return f, err
	}

	f.dir = dir

	f.options.Root, err = bed.FindRoot()
	if err != nil {
		return f, err
	}

	if f.options.APIs == "" && f.options.FunctionBinary == "" && f.options.Packages == "" {
		f.options.Packages = filepath.Join(f.options.Root, "_output", "bed-packages")
	}

	return f, nil
}

func up(ctx context.Context, args []string, out io.Writer) error {
	f, err := parseUp(args)
	if err != nil {
		return err
	}

	_, running, err := state.Read(f.dir)
	if err != nil {
		return err
	}

	switch {
	case running:
		return join(ctx, f, out)
	case f.detach:
		return detach(ctx, f, args, out)
	default:
		return hold(ctx, f, out)
	}
}

// join takes a bed that runs already for the one that was asked for, if it is.
func join(ctx context.Context, f upFlags, out io.Writer) error {
	s, err := awaitReady(ctx, f.dir)
	if err != nil {
		return err
	}

	if s.Scale != f.options.Scale || !slices.Equal(s.Faults, f.options.Faults) {
		return fmt.Errorf("a bed with other settings runs already (scale %g, faults %q): end it with `bed down` first", s.Scale, s.Faults)
	}

	built, err := f.options.Fingerprint()
	if err != nil {
		return err
	}

	if s.Built != built {
		return errors.New("the bed that runs was started with an earlier build of the function or the API: end it with `bed down` first")
	}

	fmt.Fprintln(out, "the bed runs already")
	describe(out, s)

	return nil
}

// awaitReady waits for another process's bed.
func awaitReady(ctx context.Context, dir string) (state.State, error) {
	for begin := time.Now(); time.Since(begin) < patience; {
		s, running, err := state.Read(dir)

		switch {
		case err != nil:
			return s, err
		case !running:
			return s, fmt.Errorf("the bed ended before it was ready, see %s", logPath(dir))
		case s.Ready:
			return s, nil
		}

		select {
		case <-ctx.Done():
			return s, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}

	return state.State{}, fmt.Errorf("the bed is not ready after %s, see %s", patience, logPath(dir))
}

// hold runs a bed in this process until it is told to end, or dies.
func hold(ctx context.Context, f upFlags, out io.Writer) (err error) {
	// Before the start: what is built meanwhile is not what runs.
	built, err := f.options.Fingerprint()
	if err != nil {
		return err
	}

	lock, err := state.Acquire(f.dir, logName)
	if errors.Is(err, state.ErrRunning) {
		return join(ctx, f, out) // Another one was faster.
	}

	if err != nil {
		return err
	}
	defer lock.Release()

	s := state.State{PID: os.Getpid(), Started: time.Now().UTC(), Scale: f.options.Scale, Faults: f.options.Faults, Built: built}
	if err := lock.Write(s); err != nil {
		return err
	}

	o := f.options
	o.Dir = f.dir
	o.Log = func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }

	b, err := bed.Start(ctx, o)
	if err != nil {
		return err
	}

	defer func() {
		fmt.Fprintln(out, "stopping the bed")

		err = errors.Join(err, b.Stop())
	}()

	s.Ready, s.Kubeconfig, s.Ledger, s.Logs, s.Groups = true, b.Kubeconfig(), b.LedgerURL(), b.LogDir(), b.Groups()
	if err := lock.Write(s); err != nil {
		return err
	}

	describe(out, s)

	select {
	case <-ctx.Done():
		return nil
	case <-b.Done():
		return b.Err()
	}
}

func describe(out io.Writer, s state.State) {
	fmt.Fprintf(out, "kubeconfig  %s\nledger      %s\nlogs        %s\nscale       %g simulated seconds in a second\nprocess     %d\n",
		s.Kubeconfig, s.Ledger, s.Logs, s.Scale, s.PID)

	for _, f := range s.Faults {
		fmt.Fprintf(out, "fault       %s\n", f)
	}
}
