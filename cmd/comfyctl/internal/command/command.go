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

	"github.com/spf13/cobra"

	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/progress"
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

// incompleteError is of what succeeded in part: a prompt without some of its
// outputs, models of which some are missing.
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

// What is printed.
const (
	formatText = "text"
	formatJSON = "json"
)

// tool is what all commands share.
type tool struct {
	target

	json bool
	// out is for results, and log for all else.
	out, log io.Writer
	// in is what a token is read from.
	in io.Reader
	// bars says that log is a terminal that bars can be drawn on.
	bars bool
}

// Main runs a command line, and returns how to exit.
func Main(ctx context.Context, args []string, in io.Reader, out, log io.Writer) int {
	// Runs beside one another print too.
	t := &tool{in: in, out: &lines{w: out}, log: &lines{w: log}, bars: progress.Terminal(log)}
	if t.bars {
		// Bars are drawn over what another hand has written, so all goes through one.
		t.log = log
	}

	root := newRoot(t) //nolint:contextcheck // Commands take the context that they are executed with.
	root.SetArgs(args)
	root.SetOut(t.out)
	root.SetErr(t.log)

	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(log, progress.New(log, false).Failure("comfyctl:"), err)
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

const rootLong = `comfyctl runs workflows on a ComfyUI studio, or on any ComfyUI server, looks after
its queue, and fills its models bucket.

Which studio is said by --url and --token (or COMFY_URL and COMFY_TOKEN), by
--studio NAMESPACE/NAME, which asks the claim with your kubeconfig, or by a context
that comfyctl login saved.`

func newRoot(t *tool) *cobra.Command {
	c := &cobra.Command{
		Use: "comfyctl", Short: "Run workflows on a ComfyUI studio", Long: rootLong,
		SilenceUsage: true, SilenceErrors: true,
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })

	f := c.PersistentFlags()
	t.flags(f)

	output := f.String("output", formatText, "what is printed: text or json")
	f.BoolVar(&t.json, "json", false, "the same as --output json")

	c.PersistentPreRunE = func(*cobra.Command, []string) error {
		if *output != formatText && *output != formatJSON {
			return usageError{fmt.Errorf("--output must be text or json, and is %q", *output)}
		}

		t.json = t.json || *output == formatJSON

		return t.check()
	}

	c.AddGroup(&cobra.Group{ID: "run", Title: "Workflows:"}, &cobra.Group{ID: "studio", Title: "Studios:"})

	for _, sub := range []*cobra.Command{newRun(t), newWait(t), newQueue(t), newCancel(t), newSmoke(t)} {
		sub.GroupID = "run"
		c.AddCommand(sub)
	}

	for _, sub := range []*cobra.Command{newStatus(t), newOpen(t), newModels(t), newPlan(t), newLogin(t), newLogout(), newContexts(t)} {
		sub.GroupID = "studio"
		c.AddCommand(sub)
	}

	_ = c.RegisterFlagCompletionFunc("context", completeContexts)
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{formatText, formatJSON}, cobra.ShellCompDirectiveNoFileComp))

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

// board is where the progress of a command is shown. What is told beside it goes
// through it.
func (t *tool) board() (*progress.Board, func()) {
	b := progress.New(t.log, t.bars && !t.json)
	before := t.log
	t.log = b

	return b, func() {
		b.Close()

		t.log = before
	}
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

// completeContexts completes the names of contexts.
func completeContexts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return contextNames(), cobra.ShellCompDirectiveNoFileComp
}

// workflows completes files that hold workflows.
func workflows(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"json", "png"}, cobra.ShellCompDirectiveFilterFileExt
}

// environment is a variable, or nothing.
func environment(name string) string { return os.Getenv(name) }
