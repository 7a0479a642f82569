package mirror

import (
	"errors"
	"hash/maphash"
	"sync/atomic"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk/crash"
)

// A careless disk leaves out syncs.
type careless struct {
	*crash.Disk

	files, all bool
}

func (c careless) SyncAll() error {
	if c.all {
		return nil
	}

	return c.Disk.SyncAll()
}

func (c careless) Create(name string, size int64) (disk.File, error) {
	f, err := c.Disk.Create(name, size)
	if err != nil || !c.files {
		return f, err
	}

	return carelessFile{f}, nil
}

type carelessFile struct{ disk.File }

func (carelessFile) Sync() error { return nil }

// TestCrashFinds holds that the test above finds a sync that is missing.
func TestCrashFinds(t *testing.T) {
	cases := map[string]struct {
		reason string
		disk   careless
	}{
		"Files": {reason: "Without it a large model may be zeros.", disk: careless{files: true}},
		"All":   {reason: "Without it small models may be, and a node is ready too early.", disk: careless{all: true}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			broken, _ := crashes(t, func(d *crash.Disk) disk.Disk {
				tc.disk.Disk = d
				return tc.disk
			})
			if len(broken) == 0 {
				t.Errorf("%s Nothing was found.", tc.reason)
			}
		})
	}
}

// errKilled is what a daemon that was killed would have seen.
var errKilled = errors.New("killed")

// A mortal disk does nothing any more after so many changes of names and syncs.
type mortal struct {
	*crash.Disk

	left *atomic.Int64
}

func (m mortal) alive(do func() error) error {
	if m.left.Add(-1) < 0 {
		return errKilled
	}

	return do()
}

func (m mortal) Rename(from, to string) error {
	return m.alive(func() error { return m.Disk.Rename(from, to) })
}

func (m mortal) SyncFolder(name string) error {
	return m.alive(func() error { return m.Disk.SyncFolder(name) })
}

func (m mortal) SyncAll() error { return m.alive(m.Disk.SyncAll) }

// TestCrashAfterKill kills a daemon at every step of its first pass, lets another
// go on, and then has the power fail: what the first one renamed and never synced
// is nothing that the second one may rely on.
func TestCrashAfterKill(t *testing.T) {
	for steps := int64(0); ; steps++ {
		h := history{Server: buckettest.New(t), versions: map[string][]string{}}
		h.phases()[0]()

		d := crash.New(nil)
		left := new(atomic.Int64)
		left.Store(steps)

		with := func(d disk.Disk) func(*Options) {
			return func(o *Options) { o.Disk, o.Client, o.Connections = d, h.Direct(), 1 }
		}

		first, _ := newMirror(t, h.Server, with(mortal{d, left}))
		if err := first.Pass(t.Context()); err == nil {
			t.Logf("%d steps", steps)
			return
		}

		second, _ := newMirror(t, h.Server, with(d))
		v := verdict{states: map[uint64]*crash.Disk{}}
		seed := maphash.MakeSeed()

		d.Watch(func(d *crash.Disk) { v.look(d, h, seed, true) })

		if err := errors.Join(second.clean(), second.Pass(t.Context())); err != nil {
			t.Fatal(err)
		}

		for _, b := range v.broken {
			t.Errorf("killed after %d steps: %s", steps, b)
		}
	}
}
