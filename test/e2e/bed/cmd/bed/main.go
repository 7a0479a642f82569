// Command bed runs the local management cluster for people and scripts.
//
//	bed up [--detach]   starts it, and holds it until TERM or Ctrl-C
//	bed down            stops it and waits until all of it is gone
//	bed status          says whether it runs, and where
//	bed left            fails if the simulated AWS has anything left
//
// One bed runs per directory (--dir). It writes bed.json there (package state)
// with its kubeconfig and the address of the ledger of the simulated AWS.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
)

const usage = `usage:
  bed up [--dir DIR] [--scale 60] [--fault NAME]... [--detach]
  bed down [--dir DIR]
  bed status [--dir DIR]
  bed left [--dir DIR]
run a command with --help for its flags`

func main() {
	// Both end a bed in order. A second one ends this process at once, and the
	// bed's children with it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)

	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}

	fmt.Fprintln(os.Stderr, "bed:", err)
	os.Exit(1)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}

	switch args[0] {
	case "up":
		return up(ctx, args[1:], out)
	case "down":
		return down(ctx, args[1:], out)
	case "status":
		return status(args[1:], out)
	case "left":
		return left(ctx, args[1:], out)
	default:
		return fmt.Errorf("unknown command %q\n%s", args[0], usage)
	}
}

// parse parses the flags of a command and fills in the default directory.
func parse(fs *flag.FlagSet, args []string) (dir string, err error) {
	fs.StringVar(&dir, "dir", "", "directory of the bed (default _output/bed of the repository)")

	if err := fs.Parse(args); err != nil {
		return "", fmt.Errorf("cannot parse flags: %w", err)
	}

	if fs.NArg() > 0 {
		return "", fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}

	if dir == "" {
		root, err := bed.FindRoot()
		if err != nil {
			return "", err
		}

		return filepath.Join(root, "_output", "bed"), nil
	}

	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("cannot resolve %s: %w", dir, err)
	}

	return abs, nil
}
