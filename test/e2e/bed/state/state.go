// Package state is what a running bed tells other processes: a file, bed.json,
// in its directory, and a lock that the bed holds for as long as it lives. The
// lock, not the process id in the file, says whether it does: ids are reused.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	stateFile = "bed.json"
	lockFile  = "lock"
)

// State of a bed.
type State struct {
	// PID of the process that holds the bed; TERM ends it.
	PID int `json:"pid"`
	// Ready is false while the bed starts.
	Ready bool `json:"ready"`
	// Started is when the start began.
	Started time.Time `json:"started"`

	Kubeconfig string   `json:"kubeconfig,omitempty"`
	Ledger     string   `json:"ledger,omitempty"` // URL
	Scale      float64  `json:"scale"`
	Faults     []string `json:"faults,omitempty"` // those it was started with
	// Built tells builds of the function and the API apart.
	Built string `json:"built,omitempty"`
	Logs  string `json:"logs,omitempty"` // directory
	// Groups are the process groups of the bed's children, by name.
	Groups map[string]int `json:"groups,omitempty"`
}

// ErrRunning says that a bed runs in the directory.
var ErrRunning = errors.New("a bed runs here already")

// probe is far longer than a reader holds the lock to see whether it is free.
const probe = 200 * time.Millisecond

// A Lock keeps other beds out of a directory. It ends with the process.
type Lock struct {
	dir  string
	file *os.File
}

// Acquire takes the lock of a directory and removes what an earlier bed left
// there, but for the files to keep. It fails with ErrRunning when a bed runs.
func Acquire(dir string, keep ...string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the bed's directory: %w", err)
	}

	f, err := flock(dir)
	for begin := time.Now(); errors.Is(err, ErrRunning) && time.Since(begin) < probe; f, err = flock(dir) {
		time.Sleep(probe / 20)
	}

	if err != nil {
		return nil, err
	}

	l := &Lock{dir: dir, file: f}
	if err := l.clean(append(keep, lockFile)); err != nil {
		l.Release()
		return nil, err
	}

	return l, nil
}

func flock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the bed's lock: %w", err)
	}

	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}

	_ = f.Close()

	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrRunning
	}

	return nil, fmt.Errorf("cannot take the bed's lock: %w", err)
}

// clean removes only what a bed makes: the directory is the user's choice and
// may hold other things.
func (l *Lock) clean(keep []string) error {
	kept := map[string]bool{}
	for _, k := range keep {
		kept[k] = true
	}

	for _, name := range []string{stateFile, "kubeconfig", "cluster", "core", "logs", "up.log"} {
		if kept[name] {
			continue
		}

		if err := os.RemoveAll(filepath.Join(l.dir, name)); err != nil {
			return fmt.Errorf("cannot remove what an earlier bed left: %w", err)
		}
	}

	return nil
}

// Write writes the state, so that a reader sees all of it or what was before.
func (l *Lock) Write(s State) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot encode the bed's state: %w", err)
	}

	path := filepath.Join(l.dir, stateFile)
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("cannot write the bed's state: %w", err)
	}

	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("cannot write the bed's state: %w", err)
	}

	return nil
}

// Release removes the state and lets go of the directory. The lock file stays:
// without it two beds could each lock a file of that name.
func (l *Lock) Release() {
	_ = os.Remove(filepath.Join(l.dir, stateFile))
	_ = l.file.Close()
}

// Read tells whether a bed runs in the directory, and its state. A bed that
// has only just begun may have written none: its state is zero then.
func Read(dir string) (s State, running bool, err error) {
	if _, err := os.Stat(filepath.Join(dir, lockFile)); errors.Is(err, fs.ErrNotExist) {
		return State{}, false, nil
	}

	f, err := flock(dir)
	if err == nil {
		// Nobody holds it, so whatever the file says is stale.
		return State{}, false, f.Close()
	}

	if !errors.Is(err, ErrRunning) {
		return State{}, false, err
	}

	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, true, nil
	}

	if err != nil {
		return State{}, true, fmt.Errorf("cannot read the bed's state: %w", err)
	}

	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, true, fmt.Errorf("cannot decode the bed's state: %w", err)
	}

	return s, true, nil
}
