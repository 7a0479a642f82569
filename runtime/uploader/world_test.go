package uploader

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/internal/mountpointtest"
)

// mounted is Mountpoint's double as a bucket.
type mounted struct{ *mountpointtest.Mount }

func (m mounted) OpenFile(name string, flag int, mode fs.FileMode) (File, error) {
	f, err := m.Mount.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err
	}

	return f, nil
}

// A world is a node's disk, a bucket, and an uploader between them.
type world struct {
	*testing.T

	disk   string
	bucket *mountpointtest.Mount
	copied chan string
}

func newWorld(t *testing.T) world {
	t.Helper()

	return world{t, t.TempDir(), mountpointtest.New(), make(chan string, 1000)}
}

// Handle tells the test of each copy.
func (w world) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "file" && r.Level == slog.LevelInfo {
			w.copied <- a.Value.String()
		}

		return true
	})

	return nil
}
func (world) Enabled(context.Context, slog.Level) bool { return true }
func (w world) WithAttrs([]slog.Attr) slog.Handler     { return w }
func (w world) WithGroup(string) slog.Handler          { return w }

func (w world) uploader() *Uploader {
	return &Uploader{From: w.disk, To: mounted{w.bucket}, Grace: time.Minute, Retry: time.Millisecond, Log: slog.New(w)}
}

// start runs an uploader, and returns what ends it and says how it ended.
func (w world) start() func() error {
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 1)

	go func() { ended <- w.uploader().Run(ctx) }()

	return func() error {
		stop()
		return <-ended
	}
}

func (w world) await(name string) {
	w.Helper()

	for {
		select {
		case got := <-w.copied:
			if got == name {
				return
			}
		case <-time.After(time.Minute):
			w.Fatalf("%s is not copied", name)
		}
	}
}

func (w world) write(name, content string) {
	w.Helper()

	at := filepath.Join(w.disk, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o750); err != nil {
		w.Fatal(err)
	}

	if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
}

func (w world) compare(reason string, want map[string]string) {
	w.Helper()

	short := func(m map[string]string) map[string]string {
		out := map[string]string{}
		for k, v := range m {
			out[k] = fmt.Sprintf("%.20s… of %d", v, len(v))
		}

		return out
	}

	if diff := cmp.Diff(short(want), short(w.bucket.Objects())); diff != "" || !maps.Equal(want, w.bucket.Objects()) {
		w.Errorf("%s\nbucket: -want, +got:\n%s", reason, diff)
	}
}
