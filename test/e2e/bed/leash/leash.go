// Package leash starts child processes that cannot outlive their parent: when
// the parent goes, also by SIGKILL, each child is killed within milliseconds.
//
// Every child runs under a small shell script that holds the reading end of a
// pipe. Only the parent holds the writing end, so whatever way the parent
// ends, the kernel closes it and the script kills the child. This needs no
// help from the child's program and none from the parent's main function, and
// works in a test binary as well as in a command, on every Unix. (Linux's
// PDEATHSIG would do, but there only.)
package leash

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// script runs its arguments as a child with an empty stdin. A second process
// waits for the end of the pipe and then kills the group (0 is one's own).
// TERM is handed on, also when it comes before the child has an id; the loop is
// there because a trapped signal ends wait early.
const script = `
exec 3<&0 </dev/null
term= child=
trap 'term=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM
"$@" 3<&- & child=$!
[ -z "$term" ] || kill -TERM "$child" 2>/dev/null
{ read -r _ <&3; kill -9 0; } & watch=$!
exec 3<&-
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
kill "$watch" 2>/dev/null
exit "$code"
`

// killPatience is far more than the kernel needs to end a process.
const killPatience = 10 * time.Second

// Command is a program to start.
type Command struct {
	// Name says what the process is in errors.
	Name string
	// Path of the program, and its arguments.
	Path string
	Args []string
	// Env is added to the parent's environment.
	Env []string
	// Output gets stdout and stderr.
	Output *os.File
}

// Process is a child on a leash.
type Process struct {
	name  string
	cmd   *exec.Cmd
	leash io.Closer
	done  chan struct{}
	err   error
}

// Start starts a command on a leash.
func Start(c Command) (*Process, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "leash", c.Path}, c.Args...)...) //nolint:noctx // It lives until Stop.
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdout, cmd.Stderr = c.Output, c.Output
	// A group of its own: a Ctrl-C at the terminal reaches the parent only,
	// which then ends its children in the right order, and a kill of the
	// group reaches the script and the program alike.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", c.Name, err)
	}

	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", c.Name, err)
	}

	p := &Process{name: c.Name, cmd: cmd, leash: in, done: make(chan struct{})}

	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()

	return p, nil
}

// Name says what the process is.
func (p *Process) Name() string { return p.name }

// Group is the id of the process group that holds the program and its leash.
func (p *Process) Group() int { return p.cmd.Process.Pid }

// Done is closed once the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended: nil for exit code 0. Call it after Done.
func (p *Process) Err() error { return p.err }

// Kill ends the process at once and waits until it is gone.
func (p *Process) Kill() error {
	if err := syscall.Kill(-p.Group(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("cannot kill %s: %w", p.name, err)
	}

	<-p.done

	// That was the script. The program is an orphan by now, and takes a moment
	// to let go of its memory and its ports.
	for begin := time.Now(); time.Since(begin) < killPatience; time.Sleep(5 * time.Millisecond) {
		if alive, err := Alive(p.Group()); err != nil || !alive {
			return err
		}
	}

	return fmt.Errorf("cannot kill %s: process group %d is still there after %s", p.name, p.Group(), killPatience)
}

// Stop asks the process to end and kills it when it has not after grace.
func (p *Process) Stop(grace time.Duration) error {
	if err := syscall.Kill(p.Group(), syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("cannot stop %s: %w", p.name, err)
	}

	select {
	case <-p.done:
	case <-time.After(grace):
	}

	// Also after a proper end: nothing of the group may stay.
	return p.Kill()
}
