package workcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
)

// errUnasked is that nobody asked for it.
var errUnasked = errors.New("unasked")

// group is the processes of a cluster.
type group struct {
	ctx    context.Context //nolint:containedctx // The life of the cluster, not of a call.
	id     string
	binary string
	logs   string // directory
	died   func(error)

	mu    sync.Mutex
	procs []*leash.Process
	wg    sync.WaitGroup
}

func (g *group) log(what string) string {
	return filepath.Join(g.logs, g.id+"-"+what+".log")
}

// spawn starts a subcommand of the control plane on a leash.
func (g *group) spawn(what string, args ...string) error {
	out, err := os.OpenFile(g.log(what), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot open the log of %s: %w", what, err)
	}

	// The child has its own copy.
	defer out.Close()

	g.mu.Lock()
	defer g.mu.Unlock()

	if g.ctx.Err() != nil {
		return context.Cause(g.ctx)
	}

	p, err := leash.Start(leash.Command{Name: g.id + "-" + what, Path: g.binary, Args: args, Output: out})
	if err != nil {
		return err
	}

	g.procs = append(g.procs, p)

	go func() {
		<-p.Done()

		if g.ctx.Err() == nil {
			g.died(fmt.Errorf("process %s ended %w\n%s", p.Name(), errors.Join(errUnasked, p.Err()), g.tail(what)))
		}
	}()

	return nil
}

// end kills the processes, after the context has ended: nothing of a cluster
// is wanted any more when it goes.
func (g *group) end() error {
	g.mu.Lock()
	procs := g.procs
	g.mu.Unlock()

	errs := []error{}
	for _, p := range procs {
		errs = append(errs, p.Kill())
	}

	g.wg.Wait()

	return errors.Join(errs...)
}

func (g *group) tail(what string) string {
	data, err := os.ReadFile(g.log(what))
	if err != nil {
		return err.Error()
	}

	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")

	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
