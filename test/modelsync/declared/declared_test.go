package declared

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// TestKilled kills the fetcher each time that it has noted another part of a large
// file, and starts it again until it ends by itself. It goes on where it was; a
// file is never seen but whole; somebody's own file stays.
func TestKilled(t *testing.T) {
	s := newSite(t)
	files := []file{
		declare("checkpoints/large", s.web+"/large", store.Seeded(1, 200*mib+1)),
		declare("loras/gated", s.web+"/gated/a", store.Seeded(2, 3*mib)),
		declare("loras/mine", s.web+"/large", store.Seeded(1, 200*mib+1)),
		declare("vae/from a bucket+%20", "s3://team/x y/é", store.Seeded(3, 70*mib)),
		declare("vae/wrong", s.web+"/gated/a", store.Seeded(4, 3*mib)),
	}
	files[1].TokenSecret = "tokyo-token"
	files[4].TokenSecret = "tokyo-token"

	s.files["/large"], s.files["/gated/a"] = files[0].content, files[1].content
	s.store.Put("team", "x y/é", files[3].content)
	s.store.Put(models, "loras/mine", store.Bytes([]byte("my own")))

	w := &watch{T: t, declared: map[string]file{}}
	for _, f := range files {
		w.declared[f.Path] = f
	}

	s.store.OnChange = w.changed

	secrets := s.secrets()

	var (
		got        map[string]string
		runs, from int
	)

	for got == nil {
		if runs++; runs > 20 {
			t.Fatal("it gets nowhere")
		}

		ctx, kill := context.WithCancel(t.Context())
		ended := make(chan struct{})
		from = w.next(kill, ended)

		var err error
		if got, err = s.fetch(ctx, secrets, files...); err != nil && ctx.Err() == nil {
			t.Fatalf("run %d: %v", runs, err)
		}

		close(ended)
		kill()
	}

	if diff := cmp.Diff(map[string]string{"state": "partial", "present": "3", "failures": "2:conflict,4:checksum"}, got); diff != "" {
		t.Errorf("result after %d runs: -want, +got:\n%s", runs, diff)
	}

	for _, i := range []int{0, 1, 3} {
		if o := s.store.Object(models, files[i].Path); o == nil || sum(o.Content) != files[i].SHA256 {
			t.Errorf("%s is not there, or not whole", files[i].Path)
		}
	}

	if o := s.store.Object(models, "loras/mine"); o.Size() != int64(len("my own")) {
		t.Error("Somebody's own file is another.")
	}

	if left := s.store.Objects(artefacts); len(left) > 0 {
		t.Errorf("%d notes stay", len(left))
	}

	// What was noted is not read again, but for the byte by which a run asks.
	if want := files[0].Size - int64(from)*64*mib + 1; runs < 2 || from == 0 || s.given()["/large"] != want {
		t.Errorf("after %d runs and %d parts noted the last run reads %d bytes, want %d", runs, from, s.given()["/large"], want)
	}

	s.again(secrets, files[:2]...)
}

// TestMemory holds that a file larger than the fetcher's memory passes through it.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("moves more than a gigabyte")
	}

	s := newSite(t)
	f := declare("checkpoints/larger", s.web+"/larger", store.Seeded(5, 1300*mib))
	s.files["/larger"] = f.content

	got, err := s.fetch(t.Context(), "", f)
	if err != nil || got["state"] != "done" {
		t.Fatalf("%v: %v", err, got)
	}

	t.Logf("%d MiB of memory for a file of %d MiB", s.peak/mib, f.Size/mib)

	// The window is of 512 MiB.
	if s.peak > 800*mib {
		t.Errorf("It takes %d MiB of memory.", s.peak/mib)
	}
}

// A watch sees what appears in the buckets.
type watch struct {
	*testing.T

	declared map[string]file

	mu    sync.Mutex
	done  int
	kill  context.CancelFunc
	ended <-chan struct{}
}

// next is told how to kill the next run and how to see that it is dead, and tells
// how many parts it finds.
func (w *watch) next(kill context.CancelFunc, ended <-chan struct{}) int {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.kill, w.ended = kill, ended

	return w.done
}

func (w *watch) changed(c store.Change) {
	if c.Bucket == models {
		w.whole(c.Object)
		return
	}

	// A note that is deleted tells of nothing.
	if c.Object == nil || c.Object.Content == nil {
		return
	}

	n := struct {
		Path string `json:"path"`
		Done int    `json:"done"`
	}{}

	w.mu.Lock()
	defer w.mu.Unlock()

	err := json.NewDecoder(io.NewSectionReader(c.Object.Content, 0, c.Object.Size())).Decode(&n)
	if err == nil && n.Path == "checkpoints/large" && n.Done > w.done {
		w.done = n.Done
		w.kill()
		// The note is not answered before: whoever hears of it would go on, and could
		// be done before it dies.
		<-w.ended
	}
}

// whole holds that nothing appears but what was declared, with the checksum by
// which nodes check it.
func (w *watch) whole(o *store.Object) {
	f, ok := w.declared[o.Key]
	if !ok || sum(o.Content) != f.SHA256 || o.Metadata["sha256"] != f.SHA256 {
		w.Errorf("%s appears, and is not what was declared", o.Key)
	}

	if a, kind, _ := o.Checksum(); a != types.ChecksumAlgorithmCrc64nvme || kind != types.ChecksumTypeFullObject {
		w.Errorf("%s has %s of kind %s, by which nodes cannot check it", o.Key, a, kind)
	}
}

// again holds that what is there costs one question, and its host nothing.
func (s *site) again(secrets string, files ...file) {
	s.Helper()

	heads := s.store.Count(store.OperationHead)

	got, err := s.fetch(s.Context(), secrets, files...)
	if diff := cmp.Diff(map[string]string{"state": "done", "present": strconv.Itoa(len(files)), "failures": ""}, got); diff != "" || err != nil {
		s.Errorf("again: %v: -want, +got:\n%s", err, diff)
	}

	if asked := s.store.Count(store.OperationHead) - heads; len(s.given()) > 0 || asked != len(files) {
		s.Errorf("again: reads %v and asks %d times for %d files", s.given(), asked, len(files))
	}
}
