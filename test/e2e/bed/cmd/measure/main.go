// Command measure reports what Crossplane's core costs a studio, as Markdown on
// standard output. It asserts nothing: the numbers are for people, in docs/.
//
//	measure breaker   what the core's circuit breaker costs in the first minutes
//	measure overhead  time to Ready against the time that AWS takes by itself
//	measure fleet     what many studios cost the management cluster
//
// Each starts beds of its own and ends them. What it does meanwhile goes to
// standard error.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

type cli struct {
	Function string `help:"The composition function's program. Default: _output/bin/compose-comfyui." type:"path"`

	Breaker  breakerCmd  `cmd:"" help:"Measure what the circuit breaker costs in real time, for several sizes side by side."`
	Fleet    fleetCmd    `cmd:"" help:"Bring many studios up at once and measure memory and CPU of the core and the function."`
	Overhead overheadCmd `cmd:"" help:"Measure the time to Ready against the critical path that the durations of AWS imply."`
}

func main() {
	var c cli

	k := kong.Parse(&c, kong.Name("measure"), kong.Description("Measure what Crossplane's core costs a studio."))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	k.BindTo(ctx, (*context.Context)(nil))

	err := k.Run(&c)

	stop()
	k.FatalIfErrorf(err)
}

// patience bounds the start of a bed.
const patience = 2 * time.Minute

// start starts a bed with the wire between core and function.
func (c *cli) start(ctx context.Context, o bed.Options) (*bed.Bed, error) {
	root, err := bed.FindRoot()
	if err != nil {
		return nil, err
	}

	o.Root, o.Record = root, true
	o.FunctionBinary = c.Function
	o.Log = progressf

	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	return bed.Start(ctx, o)
}

// minimalGates reads what each resource of the minimal claim waits for.
func minimalGates() ([]gate.Gate, error) {
	root, err := bed.FindRoot()
	if err != nil {
		return nil, err
	}

	return gate.Read(root, "minimal")
}

func progressf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
