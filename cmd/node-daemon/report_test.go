package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/mirror"
)

// TestLastStatus holds that a daemon which ends while it writes a status leaves the
// newest one behind, and writes none beside another.
func TestLastStatus(t *testing.T) {
	var written []int

	writing, release := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() {
		close(writing)
		<-release
	})

	r := &reporter{log: slog.New(slog.DiscardHandler), statuses: make(chan mirror.Status, 1)}
	r.put = func(ctx context.Context, b []byte) error {
		first()

		d := document{}
		if err := json.Unmarshal(b, &d); err != nil {
			return err
		}

		written = append(written, d.Files)

		return ctx.Err()
	}

	end := r.start()

	r.take(mirror.Status{Files: 1, Bytes: 1})
	<-writing
	r.take(mirror.Status{Files: 2, Bytes: 2})
	r.take(mirror.Status{Files: 3, Bytes: 3})
	close(release)
	end()

	if diff := cmp.Diff([]int{1, 3}, written); diff != "" {
		t.Errorf("written: -want, +got:\n%s", diff)
	}
}
