// Package mountpointtest is a directory that refuses what Mountpoint for S3
// refuses, without FUSE and without S3. Its source is Mountpoint's SEMANTICS.md:
//
//   - a file is written from its beginning to its end, in order, once. Going back
//     in it is refused, and so is writing to it after a sync;
//   - what is there is written over only where it is opened with O_TRUNC, and not
//     while it is read or written; nothing is appended to;
//   - a file is not there for anybody before it is synced or closed;
//   - nothing gets another name;
//   - an upload cannot be cancelled: who writes and is killed closes its files,
//     and what was written till then becomes the object.
//
// It is mounted with allow-overwrite and allow-delete, as a studio mounts it.
package mountpointtest

import (
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"
)

// A Mount is one mounted bucket.
type Mount struct {
	mu      sync.Mutex
	objects map[string][]byte
	open    map[*File]bool
	// uploads counts the objects that were made.
	uploads int
	budget  int
	dead    func()
}

// New mounts an empty bucket.
func New() *Mount { return &Mount{objects: map[string][]byte{}, open: map[*File]bool{}, budget: -1} }

// Objects are what is in the bucket.
func (m *Mount) Objects() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()

	out := map[string]string{}
	for name, b := range m.objects {
		out[name] = string(b)
	}

	return out
}

// Uploads counts the objects that were made, also those over others.
func (m *Mount) Uploads() int {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.uploads
}

// KillAfter kills whoever uses the mount after so many more calls: every call
// fails from then on, and the kernel closes what was open. It calls dead at that
// moment.
func (m *Mount) KillAfter(calls int, dead func()) {
	m.mu.Lock()
	defer m.mu.Unlock()

	m.budget, m.dead = calls, dead
}

// Revive lets a new process use the mount, and says whether the last one was
// killed.
func (m *Mount) Revive() bool {
	m.mu.Lock()
	defer m.mu.Unlock()

	killed := m.budget == 0
	m.budget = -1

	return killed
}

// call counts one call, and fails it where its process is dead.
func (m *Mount) call() error {
	if m.budget < 0 {
		return nil
	}

	if m.budget > 0 {
		m.budget--
	}

	if m.budget > 0 {
		return nil
	}

	for f := range m.open {
		f.commit()
	}

	if m.dead != nil {
		m.dead()
		m.dead = nil
	}

	return syscall.EINTR
}

// MkdirAll makes directories on this machine alone.
func (m *Mount) MkdirAll(string, fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.call()
}

// Remove removes an object at once, but not what is being written.
func (m *Mount) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()

	if err := m.call(); err != nil {
		return refuse("remove", name, err)
	}

	name = path.Clean(name)
	if _, ok := m.objects[name]; !ok {
		return refuse("remove", name, syscall.ENOENT)
	}

	if m.busy(name) {
		return refuse("remove", name, syscall.EPERM)
	}

	delete(m.objects, name)

	return nil
}

// Rename is refused.
func (m *Mount) Rename(string, string) error {
	m.mu.Lock()
	defer m.mu.Unlock()

	return syscall.ENOSYS
}

// OpenFile opens a file for one thing: to read it, or to write it.
func (m *Mount) OpenFile(name string, flag int, _ fs.FileMode) (*File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()

	if err := m.call(); err != nil {
		return nil, refuse("open", name, err)
	}

	name = path.Clean(name)
	there, exists := m.objects[name]
	f := &File{mount: m, name: name, writes: flag&(os.O_WRONLY|os.O_RDWR) != 0}

	if !f.writes {
		if !exists {
			return nil, refuse("open", name, syscall.ENOENT)
		}

		f.content = there
		m.open[f] = true

		return f, nil
	}

	switch {
	case flag&os.O_APPEND != 0:
		return nil, refuse("open", name, syscall.EINVAL)
	case !exists && flag&os.O_CREATE == 0:
		return nil, refuse("open", name, syscall.ENOENT)
	case exists && flag&(os.O_TRUNC|os.O_EXCL) != os.O_TRUNC, m.busy(name):
		return nil, refuse("open", name, syscall.EPERM)
	}

	m.open[f] = true

	return f, nil
}

func (m *Mount) busy(name string) bool {
	for f := range m.open {
		if f.name == name {
			return true
		}
	}

	return false
}

func refuse(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }
