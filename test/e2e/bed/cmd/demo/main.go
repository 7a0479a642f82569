// Command demo is a client of the bed: it applies a claim and shows the studio
// coming up, or deletes it and shows it going away. It reads nothing but the API
// server and the ledger, and its exit code tells how it ended: 0 when the claim
// is Ready (with --delete: when nothing is left but what AWS keeps on purpose),
// 1 when it is not, 130 when it was interrupted.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
	"k8s.io/klog/v2"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/view"
)

type cli struct {
	Bed      string        `help:"The bed's directory, which holds bed.json." default:"_output/bed"`
	Claim    string        `help:"The claim to apply, a YAML file." default:"examples/minimal.yaml"`
	Delete   bool          `help:"Delete the claim and show it going away."`
	SVG      string        `help:"Write the Gantt chart to this file." name:"svg"`
	Tree     string        `help:"Write the finished tree to this file."`
	Expected time.Duration `help:"The simulated time a studio is expected to take." default:"20m"`
	Timeout  time.Duration `help:"The simulated time after which the studio counts as not Ready. Default: three times what is expected."`
	Stuck    time.Duration `help:"The simulated time without any change after which the studio counts as stuck. Default: what is expected."`
	Plain    bool          `help:"Print lines even on a terminal."`
	Keep     bool          `help:"The bed stays: say how to end it."`
}

func main() {
	var c cli
	// As make and the shell have it, any value but an empty one is a yes.
	if v := os.Getenv("KEEP"); v != "" && v != "0" && v != "false" {
		c.Keep = true
	}
	kong.Parse(&c, kong.Name("demo"), kong.Description("Show a studio coming up on the bed."))
	// client-go reports lost watches through klog, into the middle of the tree.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, c, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, c cli, out, errs io.Writer) int {
	d, err := connect(c)
	if err == nil {
		err = d.act(ctx, c, out)
	}
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "demo: interrupted")
		return 130
	}
	fmt.Fprintf(errs, "demo: %v\n", err)
	return 1
}

// act deletes or applies and follows until the end.
func (d *demo) act(ctx context.Context, c cli, out io.Writer) error {
	src, done, err := d.begin(ctx, c.Delete)
	if err != nil {
		return err
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	screen := screenFor(out, c.Plain)
	s, err := view.Follow(ctx, src, screen, tick.C, done, c.limits())
	screen.Close()
	if ctx.Err() == nil {
		d.report(out, c, s, err)
	}
	if err != nil {
		return err
	}
	return write(c, s)
}

func (c cli) limits() view.Limits {
	l := view.Limits{Timeout: c.Timeout, Stuck: c.Stuck}
	if l.Timeout == 0 {
		l.Timeout = 3 * c.Expected
	}
	if l.Stuck == 0 {
		l.Stuck = c.Expected
	}
	return l
}

func (d *demo) report(out io.Writer, c cli, s view.Snapshot, err error) {
	fmt.Fprintln(out)
	fmt.Fprint(out, view.Tree(s))
	fmt.Fprintln(out)
	switch {
	case err != nil:
		fmt.Fprint(out, view.Explain(s, err))
	case c.Delete:
		fmt.Fprint(out, view.Remains(s))
		return
	default:
		fmt.Fprintf(out, "Ready after %.1f simulated minutes (%.0f s at %g×), %d resources and %d usages.\n\n",
			s.Elapsed(), s.RealSeconds(), s.Scale, len(s.Resources()), s.Usages)
		fmt.Fprintln(out, view.PartTable(s))
		fmt.Fprintln(out, view.PathTable(s))
	}
	fmt.Fprint(out, view.Hints(s, d.place(c)))
}

// write saves the chart and the tree of a studio that came up.
func write(c cli, s view.Snapshot) error {
	if c.Delete {
		return nil
	}
	for file, content := range map[string]string{c.SVG: view.Gantt(s), c.Tree: view.Tree(s)} {
		if file == "" {
			continue
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return fmt.Errorf("cannot write %s: %w", file, err)
		}
	}
	return nil
}

// screenFor draws in place on a terminal and prints lines anywhere else.
func screenFor(out io.Writer, plain bool) view.Screen {
	f, ok := out.(*os.File)
	if plain || !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" || os.Getenv("CI") != "" {
		return view.NewLog(out)
	}
	size := func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width < 20 || height < 4 {
			return 80, 24
		}
		return width, height
	}
	// See https://no-color.org: any value that is not empty counts.
	return view.NewTerminal(f, size, os.Getenv("NO_COLOR") == "")
}
