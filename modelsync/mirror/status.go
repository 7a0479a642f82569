package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/key"
)

// mostNamed is how many keys a list in the status names. The number beside it
// counts all.
const mostNamed = 200

// A Status is what a mirror tells of itself.
type Status struct {
	// Generation is of the listing that the directory equals, refused and skipped
	// keys aside: two nodes with one generation have the same files.
	Generation string `json:"generation"`
	// Ready says that everything was there once.
	Ready bool `json:"ready"`
	// Complete says that the last pass left nothing to do.
	Complete bool `json:"complete"`
	// Passes counts those that have ended.
	Passes int64 `json:"passes"`
	// Files and Bytes are those of objects that are there, whole and current.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// PendingFiles and PendingBytes are still to come.
	PendingFiles int   `json:"pendingFiles"`
	PendingBytes int64 `json:"pendingBytes"`
	// Copied, Linked and Deleted count what the last pass did.
	Copied      int   `json:"copied"`
	CopiedBytes int64 `json:"copiedBytes"`
	Linked      int   `json:"linked"`
	Deleted     int   `json:"deleted"`
	// Seconds is how long the last pass took.
	Seconds float64 `json:"seconds"`
	// Refused cannot be files, or cannot be read.
	Refused      []key.Refusal `json:"refused,omitempty"`
	RefusedCount int           `json:"refusedCount"`
	// Skipped do not fit.
	Skipped      []Skip `json:"skipped,omitempty"`
	SkippedCount int    `json:"skippedCount"`
	// LastError is why the last pass was not complete.
	LastError string    `json:"lastError,omitempty"`
	Updated   time.Time `json:"updated"`
}

// A Skip is an object that is not there for want of something.
type Skip struct {
	Key    string `json:"key"`
	Bytes  int64  `json:"bytes"`
	Reason string `json:"reason"`
}

// noSpace is the reason of a Skip.
const noSpace = "space"

type state struct {
	mu     sync.Mutex
	status Status
}

// Status is the last that is known.
func (m *Mirror) Status() Status {
	m.state.mu.Lock()
	defer m.state.mu.Unlock()

	s := m.state.status
	s.Refused, s.Skipped = slices.Clone(s.Refused), slices.Clone(s.Skipped)

	return s
}

func (m *Mirror) change(with func(*Status)) {
	m.state.mu.Lock()
	defer m.state.mu.Unlock()

	with(&m.state.status)
}

// tell writes the status beside the directory, and reports it.
func (m *Mirror) tell() {
	s := m.Status()

	b, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = m.put(statusFile, append(b, '\n'))
	}

	if err != nil {
		m.log.Warn("cannot write status", "error", err)
	}

	m.options.Report(s)
}

// put writes a small file beside the directory, whole or not at all.
func (m *Mirror) put(name string, content []byte) error {
	temporary := path.Join(staging, name)

	f, err := m.stage(temporary, int64(len(content)))
	if err != nil {
		return err
	}

	_, err = f.WriteAt(content, 0)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}

	return m.disk.Rename(temporary, name)
}

// markReady says that everything is there, from when on that is sure to last.
func (m *Mirror) markReady() error {
	if _, err := m.disk.Stat(readyFile); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	if err := m.disk.SyncAll(); err != nil {
		return fmt.Errorf("cannot make the first pass last: %w", err)
	}

	if err := m.put(readyFile, nil); err != nil {
		return fmt.Errorf("cannot write %s: %w", readyFile, err)
	}

	return m.disk.SyncFolder(".")
}

// generation is the same for the same keys and versions.
func generation(objects []bucket.Object) string {
	h := sha256.New()
	for _, o := range objects {
		_, _ = h.Write([]byte(strconv.Quote(o.Key) + " " + o.ETag + " " + strconv.FormatInt(o.Size, 10) + "\n"))
	}

	return hex.EncodeToString(h.Sum(nil))[:16]
}

func named[T any](all []T) []T { return slices.Clone(all[:min(len(all), mostNamed)]) }
