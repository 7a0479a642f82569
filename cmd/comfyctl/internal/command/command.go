// Package command is comfyctl: its commands, what they print, and how they exit.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/comfyui-studio/comfyui-studio/comfy"
)

// How comfyctl exits. Scripts depend on these: docs/reference/comfyctl.md.
const (
	exitFailed       = 1
	exitUsage        = 2
	exitRefused      = 3
	exitUnauthorized = 4
	exitLost         = 5
	exitIncomplete   = 6
	exitInterrupted  = 130
)

// usageError is of a command line that is wrong.
type usageError struct{ error }

// incompleteError is of a prompt that succeeded without some of its outputs.
type incompleteError struct{ error }

// lines are written one at a time.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.w.Write(b)
}

// tool is what all commands share.
type tool struct {
	url, token, pool string
	json             bool
	out, log         io.Writer
}

// Main runs a command line, and returns how to exit.
func Main(ctx context.Context, args []string, out, log io.Writer) int {
	// Runs beside one another print too.
	out, log = &lines{w: out}, &lines{w: log}
	root := newRoot(&tool{out: out, log: log}) //nolint:contextcheck // Commands take the context that they are executed with.
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(log)

	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(log, "comfyctl:", err)
	}

	return exitCode(ctx, err)
}

func exitCode(ctx context.Context, err error) int {
	var (
		usage      usageError
		incomplete incompleteError
		refused    *comfy.RefusedError
	)

	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &refused), errors.Is(err, comfy.ErrPageForm):
		return exitRefused
	case errors.Is(err, comfy.ErrUnauthorized):
		return exitUnauthorized
	case errors.Is(err, comfy.ErrLost):
		return exitLost
	case errors.As(err, &incomplete):
		return exitIncomplete
	}

	return exitFailed
}

func newRoot(t *tool) *cobra.Command {
	c := &cobra.Command{
		Use:   "comfyctl",
		Short: "Run workflows on a ComfyUI studio",
		Long: "comfyctl runs workflows on a ComfyUI studio, or on any ComfyUI server, and looks after its queue.\n\n" +
			"The studio is given by --url and --token, or by COMFY_URL and COMFY_TOKEN.",
		SilenceUsage: true, SilenceErrors: true,
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })

	f := c.PersistentFlags()
	f.StringVar(&t.url, "url", os.Getenv("COMFY_URL"), "address of the studio or server")
	// A token as a default would be shown by --help.
	f.StringVar(&t.token, "token", "", "token for programs (better: COMFY_TOKEN, which no list of processes shows)")
	f.StringVar(&t.pool, "pool", "", "pool of the studio, if it is not the first one")
	output := f.StringP("output", "o", "text", "text or json")

	c.PersistentPreRunE = func(*cobra.Command, []string) error {
		if *output != "text" && *output != "json" {
			return usageError{fmt.Errorf("--output must be text or json, and is %q", *output)}
		}

		t.json = *output == "json"

		if t.token == "" {
			t.token = os.Getenv("COMFY_TOKEN")
		}

		return nil
	}

	c.AddCommand(newRun(t), newStatus(t), newQueue(t), newCancel(t))

	return c
}

// args says what is missing as an error of usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if err := check(c, given); err != nil {
			return usageError{err}
		}

		return nil
	}
}

func (t *tool) client() (*comfy.Client, error) {
	if t.url == "" {
		return nil, usageError{errors.New("which studio? Give its address with --url or COMFY_URL")}
	}

	var said atomic.Value

	c, err := comfy.New(t.url, comfy.WithToken(t.token), comfy.WithPool(t.pool), comfy.WithWaiting(func(w comfy.Wait) {
		// The same is said once, however long it lasts.
		if said.Swap(w.Reason) != w.Reason {
			fmt.Fprintf(t.log, "waiting: %s\n", w.Reason)
		}
	}))
	if err != nil {
		return nil, usageError{err}
	}

	return c, nil
}

// print writes a value for programs.
func (t *tool) print(v any) error {
	e := json.NewEncoder(t.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")

	if err := e.Encode(v); err != nil {
		return fmt.Errorf("cannot print: %w", err)
	}

	return nil
}
