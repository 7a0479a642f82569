package fleet

import (
	"sync"

	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// Disk is a real disk that can be made full.
type Disk struct {
	disk.Disk

	// OnRemove is called before a file is removed.
	OnRemove func(name string)

	mu    sync.Mutex
	small bool
	left  int64
}

// Shrink leaves so many bytes free, whatever the real disk has. What is removed
// gives no room back, as when a server has the models mapped.
func (d *Disk) Shrink(left int64) {
	d.mu.Lock()
	defer d.mu.Unlock()

	d.small, d.left = true, left
}

// Grow ends that.
func (d *Disk) Grow() {
	d.mu.Lock()
	defer d.mu.Unlock()

	d.small = false
}

// Space tells of the small disk.
func (d *Disk) Space() (disk.Space, error) {
	d.mu.Lock()
	defer d.mu.Unlock()

	if d.small {
		// No reserve is kept of a disk without size.
		return disk.Space{Free: d.left}, nil
	}

	return d.Disk.Space()
}

// Create fails when there is no room.
func (d *Disk) Create(name string, size int64) (disk.File, error) {
	d.mu.Lock()

	if d.small {
		if size > d.left {
			d.mu.Unlock()
			return nil, disk.ErrFull
		}

		d.left -= size
	}

	d.mu.Unlock()

	return d.Disk.Create(name, size)
}

// Remove tells of it.
func (d *Disk) Remove(name string) error {
	if d.OnRemove != nil {
		d.OnRemove(name)
	}

	return d.Disk.Remove(name)
}
