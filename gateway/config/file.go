package config

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// A File is a configuration that is read again when it changes.
type File struct {
	path string
	text []byte
	held atomic.Pointer[Config]
}

// Open reads a file, which must hold a configuration that can be followed.
func Open(path string) (*File, error) {
	f := &File{path: path}
	if _, err := f.reload(); err != nil {
		return nil, err
	}

	return f, nil
}

// Config is what holds now.
func (f *File) Config() Config { return *f.held.Load() }

// Watch looks every interval until the context ends: the kubelet swaps the
// directory that a ConfigMap is mounted as, which no watch of the file sees. What
// cannot be followed changes nothing.
func (f *File) Watch(ctx context.Context, interval time.Duration, log *slog.Logger) {
	tick := time.NewTicker(interval)
	defer tick.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}

		switch changed, err := f.reload(); {
		case err != nil:
			log.Error("the configuration stays what it was", "error", err)
		case changed:
			log.Info("the configuration changed")
		}
	}
}

func (f *File) reload() (bool, error) {
	b, err := os.ReadFile(f.path)
	if err != nil {
		return false, fmt.Errorf("cannot read the configuration: %w", err)
	}

	if f.held.Load() != nil && bytes.Equal(b, f.text) {
		return false, nil
	}

	c, err := Parse(b)
	if err != nil {
		return false, err
	}

	f.text = b
	f.held.Store(&c)

	return true, nil
}
