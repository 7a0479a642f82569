package mirror

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk/crash"
)

// A history is a bucket and all that ever was in it.
type history struct {
	*buckettest.Server

	versions map[string][]string
}

func (h history) put(key, body string) {
	sum := checksum.Sum{Algorithm: checksum.CRC64NVME}
	s := checksum.CRC64NVME.New()
	_, _ = s.Write([]byte(body))
	sum.Value = s.Sum(nil)

	h.versions[key] = append(h.versions[key], body)
	h.Put(key, buckettest.Object{Body: []byte(body), Sum: sum.String()})
}

// phases are what happens to the bucket between passes: everything whose order on
// the disk matters.
func (h history) phases() []func() {
	large := func(text string) string { return strings.Repeat(text, linkFrom/len(text)+1) }

	return []func(){
		func() {
			h.put("checkpoints/large", large("one "))
			h.put("top", "top")

			for i := range few + 2 {
				h.put(fmt.Sprintf("loras/%02d", i), fmt.Sprintf("lora %02d", i))
			}

			h.put("unet/deep/model_index.json", "names part")
			h.put("unet/deep/part", "part")
		},
		func() {
			// Replaced by as many bytes, large and small; gone; a file that is a folder.
			h.put("checkpoints/large", large("two "))
			h.put("loras/00", "LORA 00")
			h.Delete("loras/01")
			h.Delete("loras/02")
			h.put("loras/02/inside", "inside")
		},
		func() {
			// Renamed; an index and what it names; a folder that is a file.
			h.put("vae/renamed", large("two "))
			h.Delete("checkpoints/large")
			h.put("unet/deep/part", "PART")
			h.put("unet/deep/model_index.json", "NAMES PART")
			h.Delete("loras/02/inside")
			h.put("loras/02", "a file again")
		},
		func() {
			// A model of several files goes.
			h.Delete("unet/deep/part")
			h.Delete("unet/deep/model_index.json")
		},
	}
}

// A verdict collects what a crash would break.
type verdict struct {
	states map[uint64]*crash.Disk
	broken []string
}

// look tries every crash that is possible now.
func (v *verdict) look(d *crash.Disk, h history, seed maphash.Seed, first bool) {
	for _, s := range append(d.States("models", readyFile), d.Seen()) {
		sum := s.Sum(seed)
		if v.states[sum] != nil {
			continue
		}

		v.states[sum] = s

		if b := h.broken(s.Files(), first); b != "" && !slices.Contains(v.broken, b) {
			v.broken = append(v.broken, b)
		}
	}
}

// broken tells what a reader would stumble over, before the daemon is there again.
func (h history) broken(files map[string]string, first bool) string {
	for name, body := range files {
		if key, ok := strings.CutPrefix(name, "models/"); ok && !slices.Contains(h.versions[key], body) {
			return key + " is no version that ever was"
		}
	}

	if _, ok := files["models/unet/deep/model_index.json"]; ok && files["models/unet/deep/part"] == "" {
		return "an index names what is not there"
	}

	if _, ok := files[readyFile]; ok && first {
		for key, body := range h.Bodies() {
			if files["models/"+key] != body {
				return key + " is not there and the node is ready"
			}
		}
	}

	return ""
}

// crashes goes through the history on a disk, and recovers from each crash there
// could be. It returns what was broken and how many states there were.
func crashes(t *testing.T, wrap func(*crash.Disk) disk.Disk) ([]string, int) {
	t.Helper()

	var (
		h     = history{Server: buckettest.New(t), versions: map[string][]string{}}
		d     = crash.New(nil)
		seed  = maphash.MakeSeed()
		all   []string
		count int
	)

	options := func(d disk.Disk) func(*Options) {
		return func(o *Options) { o.Disk, o.Client, o.RangeSize, o.Buffer = d, h.Direct(), linkFrom/3, linkFrom/6 }
	}

	m, _ := newMirror(t, h.Server, options(wrap(d)))

	for i, phase := range h.phases() {
		phase()

		v := verdict{states: map[uint64]*crash.Disk{}}
		d.Watch(func(d *crash.Disk) { v.look(d, h, seed, i == 0) })

		if err := m.Pass(t.Context()); err != nil {
			t.Fatalf("phase %d: %v", i, err)
		}

		d.Watch(nil)

		for _, s := range v.states {
			if len(v.broken) > 0 {
				return v.broken, len(v.states)
			}

			if b := recovered(t, h, s, options(s)); b != "" {
				v.broken = append(v.broken, b)
			}
		}

		all, count = append(all, v.broken...), count+len(v.states)
	}

	return all, count
}

// recovered starts a daemon on what a crash left, and tells what is wrong then.
func recovered(t *testing.T, h history, s *crash.Disk, with func(*Options)) string {
	t.Helper()

	m, _ := newMirror(t, h.Server, with)
	if err := m.clean(); err != nil {
		t.Fatal(err)
	}

	if err := m.Pass(t.Context()); err != nil {
		return "after a crash: " + err.Error()
	}

	got := map[string]string{}

	for name, body := range s.Files() {
		if key, ok := strings.CutPrefix(name, "models/"); ok {
			got[key] = body
		}
	}

	// Not by cmp.Diff: these are megabytes.
	want := h.Bodies()
	for key := range want {
		if got[key] != want[key] {
			return fmt.Sprintf("after a crash %s is not the bucket's: %.20q", key, got[key])
		}

		delete(got, key)
	}

	if len(got) > 0 {
		return fmt.Sprintf("after a crash there are %q", slices.Sorted(maps.Keys(got)))
	}

	return ""
}

// TestCrash tries every crash that is possible while a directory is filled and
// changed.
func TestCrash(t *testing.T) {
	broken, count := crashes(t, func(d *crash.Disk) disk.Disk { return d })
	t.Logf("%d states", count)

	for _, b := range broken {
		t.Error(b)
	}

	if count < 100 {
		t.Errorf("Something is not recorded: %d states.", count)
	}
}
