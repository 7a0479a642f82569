package mirror

import (
	"runtime"
	"sync"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// A gauge looks at the memory in use whenever so many bytes have come.
type gauge struct {
	disk.Disk

	mu    sync.Mutex
	every int
	come  int
	most  uint64
}

type gaugeFile struct {
	disk.File
	*gauge
}

func (g *gauge) Create(name string, size int64) (disk.File, error) {
	f, err := g.Disk.Create(name, size)
	return gaugeFile{f, g}, err
}

func (f gaugeFile) WriteAt(b []byte, at int64) (int, error) {
	f.mu.Lock()

	if f.come += len(b); f.come >= f.every {
		f.come = 0
		f.most = max(f.most, inUse())
	}

	f.mu.Unlock()

	return f.File.WriteAt(b, at)
}

// inUse is what cannot be collected.
func inUse() uint64 {
	runtime.GC()

	var s runtime.MemStats
	runtime.ReadMemStats(&s)

	return s.HeapAlloc
}

// TestMemory holds a mirror to its connections' buffers, however large objects are.
func TestMemory(t *testing.T) {
	const (
		connections = 16
		buffer      = 256 << 10
		// beside is what requests, the server of this very process and what is
		// remembered of keys need.
		beside = 12 << 20
	)

	s := buckettest.New(t)
	body := make([]byte, 96<<20)
	s.Put("a", buckettest.Object{Body: body})
	s.Put("b", buckettest.Object{Body: body})

	base := t.TempDir()

	d, err := disk.Open(base)
	if err != nil {
		t.Fatal(err)
	}

	g := &gauge{Disk: d, every: 8 << 20}
	m, _ := newMirror(t, s, func(o *Options) {
		o.Directory, o.Disk, o.Connections, o.Buffer, o.RangeSize = base+"/models", g, connections, buffer, 4<<20
	})

	before := inUse()

	if err := m.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}

	used := int64(g.most) - int64(before)
	t.Logf("%d MiB of memory for %d MiB of models by %d connections", used>>20, len(body)>>19, connections)

	if want := int64(connections*buffer + beside); g.most == 0 || used > want {
		t.Errorf("want at most %d MiB, got %d MiB", want>>20, used>>20)
	}
}
