package mirror

import (
	"sync/atomic"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// A meter tells what a pass waited for: connections, all of them together, and
// apart the disk, and its turn where it is bounded. What bounds a node is known only
// there.
type meter struct{ busy, disk, limited atomic.Int64 }

// network is how long connections waited for S3.
func (m *meter) network() time.Duration {
	return time.Duration(max(m.busy.Load()-m.disk.Load()-m.limited.Load(), 0))
}

// since adds to one of the two.
func since(sum *atomic.Int64, began time.Time) { sum.Add(int64(time.Since(began))) }

// A metered file is one of a pass.
type metered struct {
	disk.File

	meter *meter
}

// WriteAt implements disk.File.
func (f metered) WriteAt(b []byte, at int64) (int, error) {
	defer since(&f.meter.disk, time.Now())
	return f.File.WriteAt(b, at)
}

// Sync implements disk.File.
func (f metered) Sync() error {
	defer since(&f.meter.disk, time.Now())
	return f.File.Sync()
}

// WriteBack implements disk.File.
func (f metered) WriteBack(at, length int64) error {
	defer since(&f.meter.disk, time.Now())
	return f.File.WriteBack(at, length)
}
