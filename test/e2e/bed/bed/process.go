package bed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
)

// LogDir holds a log file for each process.
func (b *Bed) LogDir() string { return filepath.Join(b.o.Dir, "logs") }

func (b *Bed) logFile(process string) string { return filepath.Join(b.LogDir(), process+".log") }

// LogTail returns the last lines of the log of a process: cluster, init, core
// or function.
func (b *Bed) LogTail(process string, lines int) string {
	data, err := os.ReadFile(b.logFile(process))
	if err != nil {
		return err.Error()
	}

	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")

	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Groups are the ids of the process groups that run, by process.
func (b *Bed) Groups() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()

	g := map[string]int{}
	for name, p := range b.procs {
		g[name] = p.Group()
	}

	return g
}

// spawn starts a process whose log is appended to and whose unasked end ends
// the bed.
func (b *Bed) spawn(name, path string, env, args []string) error {
	p, err := b.launch(name, path, env, args)
	if err != nil {
		return err
	}

	go func() {
		<-p.Done()

		b.mu.Lock()
		unasked := b.procs[name] == p
		b.mu.Unlock()

		if unasked {
			b.cancel(fmt.Errorf("process %s ended: %w\n%s", name, asError(p.Err()), b.LogTail(name, 15)))
		}
	}()

	return nil
}

func (b *Bed) launch(name, path string, env, args []string) (*leash.Process, error) {
	out, err := os.OpenFile(b.logFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the log of %s: %w", name, err)
	}

	// The child has its own copy.
	defer out.Close()

	b.mu.Lock()
	defer b.mu.Unlock()

	if b.procs[name] != nil {
		return nil, fmt.Errorf("cannot start %s: it runs already", name)
	}

	p, err := leash.Start(leash.Command{Name: name, Path: path, Args: args, Env: env, Output: out})
	if err != nil {
		return nil, err
	}

	b.procs[name] = p

	return p, nil
}

// stop ends a process; one that does not run is no error.
func (b *Bed) stop(name string, grace time.Duration) error {
	b.mu.Lock()
	p := b.procs[name]
	delete(b.procs, name)
	b.mu.Unlock()

	if p == nil {
		return nil
	}

	if grace == 0 {
		return p.Kill()
	}

	return p.Stop(grace)
}

func asError(err error) error {
	if err == nil {
		return errors.New("exit code 0")
	}

	return err
}

// together makes one of several functions that do not depend on each other.
func (b *Bed) together(fns ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		for _, fn := range fns {
			g.Go(func() error { return fn(ctx) })
		}

		return g.Wait()
	}
}

// askTimeout bounds one answer, so that a server that went away while it was
// asked cannot hold up the rest.
const askTimeout = 10 * time.Second

// longestPause is between two answers that took long.
const longestPause = 3 * time.Second

// poll asks until the answer is nil, once at least. When the limit is over,
// the last answer tells what was missing.
func poll(ctx context.Context, limit, every time.Duration, ask func(context.Context) error) error {
	begin := time.Now()

	for {
		asked := time.Now()
		actx, cancel := context.WithTimeout(ctx, askTimeout)
		err := ask(actx)

		cancel()

		if err == nil {
			return nil
		}

		if time.Since(begin)+every > limit {
			return fmt.Errorf("not within %s: %w", limit, err)
		}

		// Who asks much asks less often: the API server is there for those who are
		// watched, not for those who watch.
		pause := max(every, min(time.Since(asked)*2, longestPause))

		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

// awaitListener waits until something accepts connections.
func awaitListener(ctx context.Context, address string) error {
	return poll(ctx, 30*time.Second, 20*time.Millisecond, func(ctx context.Context) error {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}

		return c.Close()
	})
}

// awaitOK waits until a URL answers with status 200.
func awaitOK(ctx context.Context, c *http.Client, url string) error {
	return poll(ctx, time.Minute, 50*time.Millisecond, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}

		rsp, err := c.Do(req)
		if err != nil {
			return err
		}
		defer rsp.Body.Close()

		if rsp.StatusCode != http.StatusOK {
			body, _ := io.ReadAll(io.LimitReader(rsp.Body, 4096))
			return fmt.Errorf("%s: %s\n%s", url, rsp.Status, body)
		}

		return nil
	})
}
