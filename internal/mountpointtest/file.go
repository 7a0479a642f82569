package mountpointtest

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

// A File is open.
type File struct {
	mount   *Mount
	name    string
	content []byte
	at      int64
	writes  bool
	// over says that the upload is complete, and closed that the file is.
	over, closed bool
}

// commit makes an object of what was written. Closing does that whoever closes.
func (f *File) commit() {
	delete(f.mount.open, f)

	if f.writes && !f.over {
		f.over = true
		f.mount.uploads++
		f.mount.objects[f.name] = f.content
	}
}

// Read reads.
func (f *File) Read(b []byte) (int, error) {
	f.mount.mu.Lock()
	defer f.mount.mu.Unlock()

	if err := f.mount.call(); err != nil {
		return 0, refuse("read", f.name, err)
	}

	if f.writes || f.closed {
		return 0, refuse("read", f.name, syscall.EBADF)
	}

	n, err := bytes.NewReader(f.content).ReadAt(b, f.at)
	f.at += int64(n)

	if n > 0 {
		err = nil
	}

	return n, err
}

// Write writes where the last write ended.
func (f *File) Write(b []byte) (int, error) {
	n, err := f.WriteAt(b, f.at)
	f.at += int64(n)

	return n, err
}

// WriteAt writes at the end alone.
func (f *File) WriteAt(b []byte, at int64) (int, error) {
	f.mount.mu.Lock()
	defer f.mount.mu.Unlock()

	if err := f.mount.call(); err != nil {
		return 0, refuse("write", f.name, err)
	}

	switch {
	case !f.writes || f.closed:
		return 0, refuse("write", f.name, syscall.EBADF)
	case f.over:
		return 0, refuse("write", f.name, syscall.EIO)
	case at != int64(len(f.content)):
		return 0, refuse("write", f.name, syscall.EINVAL)
	}

	f.content = append(f.content, b...)

	return len(b), nil
}

// Seek says where a file is; a write elsewhere than at its end is refused later.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	f.mount.mu.Lock()
	defer f.mount.mu.Unlock()

	f.at = offset + map[int]int64{io.SeekCurrent: f.at, io.SeekEnd: int64(len(f.content))}[whence]

	return f.at, nil
}

// Sync completes the upload.
func (f *File) Sync() error {
	f.mount.mu.Lock()
	defer f.mount.mu.Unlock()

	if err := f.mount.call(); err != nil {
		return refuse("sync", f.name, err)
	}

	if f.writes && !f.over {
		f.commit()
		f.mount.open[f] = true
	}

	return nil
}

// Close completes the upload where no sync did.
func (f *File) Close() error {
	f.mount.mu.Lock()
	defer f.mount.mu.Unlock()

	if f.closed {
		return refuse("close", f.name, os.ErrClosed)
	}

	err := f.mount.call()
	f.commit()
	f.closed = true

	return err
}

// Stat tells a size and little more.
func (f *File) Stat() (fs.FileInfo, error) { return about{f.name, int64(len(f.content))}, nil }

type about struct {
	name string
	size int64
}

func (a about) Name() string     { return path.Base(a.name) }
func (a about) Size() int64      { return a.size }
func (about) Mode() fs.FileMode  { return 0o644 }
func (about) ModTime() time.Time { return time.Time{} }
func (about) IsDir() bool        { return false }
func (about) Sys() any           { return nil }
