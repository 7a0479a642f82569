package uploader

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/internal/mountpointtest"
)

// TestSeeking holds that a file that goes back in itself, which the bucket refuses,
// comes into the bucket when it is closed and not before.
func TestSeeking(t *testing.T) {
	w := newWorld(t)
	at := filepath.Join(w.disk, "video", "a.mp4")

	w.write("video/first.mp4", "first")

	f, err := os.Create(at)
	if err != nil {
		t.Fatal(err)
	}

	_, _ = f.WriteString("????rest")
	stop := w.start()

	// Files are looked at in their order, so a.mp4 was.
	w.await("video/first.mp4")
	w.write("video/second.mp4", "second")
	w.await("video/second.mp4")

	if _, ok := w.bucket.Objects()["video/a.mp4"]; ok {
		t.Error("A file that is open is no file yet.")
	}

	_, _ = f.WriteAt([]byte("size"), 0)
	_ = f.Close()

	w.await("video/a.mp4")

	if err := os.Rename(at, filepath.Join(w.disk, "video", "b.mp4")); err != nil {
		t.Fatal(err)
	}

	w.await("video/b.mp4")

	if err := stop(); err != nil {
		t.Error(err)
	}

	w.compare("Each file as it was closed, and what got another name under both.", map[string]string{
		"video/first.mp4": "first", "video/second.mp4": "second", "video/a.mp4": "sizerest", "video/b.mp4": "sizerest",
	})
}

// TestAgain holds that what is written again is copied again, and what is not is
// not.
func TestAgain(t *testing.T) {
	w := newWorld(t)
	w.write("audio/a.flac", "one")

	stop := w.start()

	w.await("audio/a.flac")
	w.write("audio/a.flac", "two")
	w.await("audio/a.flac")

	if err := os.Chmod(filepath.Join(w.disk, "audio/a.flac"), 0o640); err != nil {
		t.Fatal(err)
	}

	if err := stop(); err != nil {
		t.Error(err)
	}

	if err := w.start()(); err != nil {
		t.Error(err)
	}

	w.compare("The last content counts.", map[string]string{"audio/a.flac": "two"})

	if got := w.bucket.Uploads(); got != 2 {
		t.Errorf("uploads: want 2, got %d", got)
	}
}

// TestKilled kills an uploader at each of its calls. The next one finds what is
// left, and what looks complete and is not.
func TestKilled(t *testing.T) {
	want := map[string]string{
		"3d/a.glb":      "mesh",
		"video/a.mp4":   strings.Repeat("0123456789abcdef", 3<<16-1),
		"video/b/c.mp4": strings.Repeat("x", piece),
		"video/d.mp4":   "",
	}

	for calls := 1; ; calls++ {
		w := newWorld(t)
		for name, content := range want {
			w.write(name, content)
		}

		ctx, stop := context.WithCancel(t.Context())
		w.bucket.KillAfter(calls, stop)

		u := w.uploader()
		u.Grace = 0

		if calls > 1000 {
			t.Fatal("it never ends")
		}

		first := make(chan error, 1)

		go func() { first <- u.Run(ctx) }()

		go func() {
			// One that is not killed is asked to end.
			for range want {
				select {
				case <-w.copied:
				case <-ctx.Done():
					return
				}
			}

			stop()
		}()

		<-first

		killed := w.bucket.Revive()

		if err := w.start()(); err != nil {
			t.Fatal(err)
		}

		w.compare(fmt.Sprintf("All is there after a kill at call %d.", calls), want)

		if !killed {
			if calls < 20 {
				t.Errorf("It is killed at all of its calls: there were %d", calls)
			}

			return
		}
	}
}

// TestEnd holds what becomes of files when the server has ended: a last one is
// copied, and what cannot be is told by its name.
func TestEnd(t *testing.T) {
	cases := map[string]struct {
		reason string
		bucket func(*mountpointtest.Mount)
		open   bool
		want   string
	}{
		"Late":    {reason: "What was written last is copied."},
		"Refused": {reason: "What the bucket refuses is lost with the disk.", bucket: func(m *mountpointtest.Mount) { m.KillAfter(1, nil) }, want: "1 files are not in the bucket: video/late.mp4"},
		"Open":    {reason: "What is open till the end is not complete.", open: true, want: "1 files are not in the bucket: video/late.mp4"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if tc.bucket != nil {
				tc.bucket(w.bucket)
			}

			w.write("video/late.mp4", "late")

			if tc.open {
				f, err := os.OpenFile(filepath.Join(w.disk, "video/late.mp4"), os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
			}

			ctx, stop := context.WithCancel(t.Context())
			stop()

			u := w.uploader()
			if tc.want != "" {
				u.Grace = 20 * time.Millisecond
			}

			got := ""
			if err := u.Run(ctx); err != nil {
				got = err.Error()
			}

			if got != tc.want {
				t.Errorf("%s\nwant %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

// TestTwoServers holds that two servers that choose the same name do not meet: the
// bucket's directory of each is its own.
func TestTwoServers(t *testing.T) {
	bucket := t.TempDir()

	for _, pod := range []string{"comfyui-video-a", "comfyui-video-b"} {
		w := newWorld(t)
		w.write("video/ComfyUI_00001_.mp4", pod)

		own := filepath.Join(bucket, "video", pod)
		if err := os.MkdirAll(own, 0o750); err != nil {
			t.Fatal(err)
		}

		u := w.uploader()
		u.To = Directory(own)

		ctx, stop := context.WithCancel(t.Context())
		stop()

		if err := u.Run(ctx); err != nil {
			t.Fatal(err)
		}
	}

	for _, pod := range []string{"comfyui-video-a", "comfyui-video-b"} {
		if b, err := os.ReadFile(filepath.Join(bucket, "video", pod, "video/ComfyUI_00001_.mp4")); err != nil || string(b) != pod {
			t.Errorf("%s has its own: got %s, %v", pod, b, err)
		}
	}
}
