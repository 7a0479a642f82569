// Command xpkg makes the packages that users install, without a container engine:
// the Function, for all platforms, and the Configuration that depends on it. It
// builds the function in two places and fails where the two packages differ:
// whoever has the source and the same Go can check what was published.
//
// It writes a folder of .xpkg files, which the Crossplane CLI pushes, and
// packages.yaml, which says what each will be called and by which digest, with their
// bills of materials and where they come from.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/alecthomas/kong"
)

type flags struct {
	Version  string `default:"v0.0.0-dev" help:"Version of the packages."`
	Registry string `default:"ghcr.io/comfyui-studio" help:"Registry, and the path in it, that the packages are for."`
	Out      string `default:"_output/xpkg" help:"Folder for the packages."`
	Function string `help:"A function that is built for this machine: pack it, and for no other platform." type:"existingfile"`
	StandIns bool   `help:"Add packages with the providers' kinds and no program, under the providers' names."`
}

func main() {
	f := flags{}
	kong.Parse(&f, kong.Description("Makes the packages that users install."))

	if err := f.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "xpkg:", err)
		os.Exit(1)
	}
}

func (f *flags) run(ctx context.Context) error {
	if err := f.check(); err != nil {
		return err
	}

	made, err := f.make(ctx)
	if err != nil {
		return err
	}

	if f.StandIns {
		standIns, err := standIns(ctx, ".")
		if err != nil {
			return err
		}

		made = append(made, standIns...)
	}

	written, err := write(f.Out, made)
	if err != nil {
		return err
	}

	// What nobody publishes comes from nowhere.
	if f.Function == "" {
		b, err := f.origin(ctx)
		if err != nil {
			return err
		}

		if err := os.WriteFile(filepath.Join(f.Out, "provenance.json"), b, 0o644); err != nil {
			return fmt.Errorf("cannot write where the packages come from: %w", err)
		}
	}

	for _, p := range written {
		fmt.Printf("%s:%s@%s\n", p.Repository, p.Version, p.Digest)
	}

	return nil
}

// make makes our own packages.
func (f *flags) make(ctx context.Context) ([]pkg, error) {
	if f.Function == "" {
		return twice(ctx, f.Registry, f.Version)
	}

	program, err := os.ReadFile(filepath.Clean(f.Function))
	if err != nil {
		return nil, fmt.Errorf("cannot read the function: %w", err)
	}

	return ours(".", f.Registry, f.Version, map[string][]byte{runtime.GOARCH: program})
}
