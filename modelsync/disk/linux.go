package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// tagName is the extended attribute that holds a file's tag.
const tagName = "user.comfyui-studio"

// Modes of what is made: the server's user, who is not ours, reads it.
const (
	fileMode   = 0o644
	folderMode = 0o755
)

// allocateFrom is the size from which on a file gets its room before its bytes. By
// then it is written in parallel, which is slow into a file that grows; below that,
// one write does both.
const allocateFrom = 1 << 20

// A Linux is a folder of a real file system. No name leads out of it, through
// whatever links.
type Linux struct {
	path string
	root *os.Root
}

// Open opens a folder, and makes it if it is not there.
func Open(path string) (*Linux, error) {
	if err := os.MkdirAll(path, folderMode); err != nil {
		return nil, fmt.Errorf("cannot make %s: %w", path, err)
	}

	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}

	return &Linux{path: path, root: root}, nil
}

// OnRootDisk says whether a folder is on the file system of the operating system.
func OnRootDisk(path string) (bool, error) {
	var at, root unix.Stat_t
	if err := unix.Stat("/", &root); err != nil {
		return false, fmt.Errorf("cannot look at /: %w", err)
	}

	// What is not there yet will be where its parent is.
	for {
		err := unix.Stat(path, &at)
		if err == nil {
			return at.Dev == root.Dev, nil
		}

		if !errors.Is(err, unix.ENOENT) || path == filepath.Dir(path) {
			return false, fmt.Errorf("cannot look at %s: %w", path, err)
		}

		path = filepath.Dir(path)
	}
}

// Lock implements Disk. The lock is on the folder itself, so it leaves nothing.
func (l *Linux) Lock() (func(), error) {
	f, err := l.root.Open(".")
	if err != nil {
		return nil, err
	}

	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()

		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}

		return nil, err
	}

	return func() { _ = f.Close() }, nil
}

// List implements Disk.
func (l *Linux) List(folder string) ([]Entry, error) {
	d, err := l.root.Open(folder)
	if err != nil {
		return nil, err
	}
	defer d.Close()

	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}

	out := make([]Entry, 0, len(names))
	buffer := make([]byte, 1024)

	for _, n := range names {
		e, err := l.look(int(d.Fd()), filepath.Join(l.path, folder, n), n, buffer)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}

		if err != nil {
			return nil, fmt.Errorf("cannot look at %s: %w", filepath.Join(folder, n), err)
		}

		out = append(out, e)
	}

	return out, nil
}

// look tells what a name in an open folder stands for.
func (l *Linux) look(folder int, path, name string, buffer []byte) (Entry, error) {
	var s unix.Stat_t
	if err := unix.Fstatat(folder, name, &s, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Entry{}, err
	}

	e := Entry{Name: name, Size: s.Size, Modified: s.Mtim.Nano()}

	switch s.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		e.Kind = Regular
	case unix.S_IFDIR:
		e.Kind = Folder
		return e, nil
	default:
		return e, nil
	}

	// A tag that is lost or too long is no tag: the file is looked at more closely
	// then.
	if n, err := unix.Lgetxattr(path, tagName, buffer); err == nil {
		e.Tag = string(buffer[:n])
	}

	return e, nil
}

// Stat implements Disk. What would be below a file is not there.
func (l *Linux) Stat(name string) (Entry, error) {
	d, err := l.root.Open(filepath.Dir(name))
	if errors.Is(err, unix.ENOTDIR) {
		return Entry{}, fs.ErrNotExist
	}

	if err != nil {
		return Entry{}, err
	}
	defer d.Close()

	e, err := l.look(int(d.Fd()), filepath.Join(l.path, name), filepath.Base(name), make([]byte, 1024))
	if errors.Is(err, unix.ENOTDIR) {
		return Entry{}, fs.ErrNotExist
	}

	return e, err
}

// Create implements Disk.
func (l *Linux) Create(name string, size int64) (File, error) {
	f, err := l.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, full(err)
	}

	if size >= allocateFrom {
		err = unix.Fallocate(int(f.Fd()), 0, 0, size)
		if errors.Is(err, unix.EOPNOTSUPP) {
			err = f.Truncate(size)
		}
	}

	// The process's umask is not the mirror's business.
	if err := errors.Join(full(err), f.Chmod(fileMode)); err != nil {
		return nil, errors.Join(err, f.Close(), l.Remove(name))
	}

	return &linuxFile{File: f}, nil
}

// Open implements Disk.
func (l *Linux) Open(name string) (File, error) {
	f, err := l.root.OpenFile(name, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}

	return &linuxFile{File: f}, nil
}

// MakeFolder implements Disk.
func (l *Linux) MakeFolder(name string) error {
	if err := l.root.Mkdir(name, folderMode); err != nil {
		return full(err)
	}

	return l.root.Chmod(name, folderMode)
}

// Rename implements Disk. Where both are names of one file, rename(2) does nothing
// and says that all went well.
func (l *Linux) Rename(from, to string) error {
	if filepath.Clean(from) == filepath.Clean(to) {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrExist}
	}

	if err := l.root.Rename(from, to); err != nil {
		return full(err)
	}

	if err := l.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	return nil
}

// Link implements Disk.
func (l *Linux) Link(from, to string) error { return full(l.root.Link(from, to)) }

// Remove implements Disk.
func (l *Linux) Remove(name string) error { return l.unlink(name, 0) }

// RemoveFolder implements Disk.
func (l *Linux) RemoveFolder(name string) error { return l.unlink(name, unix.AT_REMOVEDIR) }

// unlink says which kind of thing goes: os.Root's Remove takes either.
func (l *Linux) unlink(name string, flags int) error {
	d, err := l.root.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer d.Close()

	if err := unix.Unlinkat(int(d.Fd()), filepath.Base(name), flags); err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}

	return nil
}

// SyncFolder implements Disk.
func (l *Linux) SyncFolder(name string) error {
	d, err := l.root.Open(name)
	if err != nil {
		return err
	}

	return errors.Join(d.Sync(), d.Close())
}

// SyncAll implements Disk.
func (l *Linux) SyncAll() error {
	d, err := l.root.Open(".")
	if err != nil {
		return err
	}

	return errors.Join(full(unix.Syncfs(int(d.Fd()))), d.Close())
}

// Space implements Disk.
func (l *Linux) Space() (Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(l.path, &s); err != nil {
		return Space{}, err
	}

	size := s.Frsize

	return Space{Total: int64(s.Blocks) * size, Free: int64(s.Bavail) * size}, nil //nolint:gosec // No disk is that large.
}

type linuxFile struct{ *os.File }

// WriteAt says full by one name.
func (f *linuxFile) WriteAt(b []byte, offset int64) (int, error) {
	n, err := f.File.WriteAt(b, offset)
	return n, full(err)
}

// WriteBack implements File. Not every file system knows how; the sync does it
// then.
func (f *linuxFile) WriteBack(offset, length int64) error {
	err := unix.SyncFileRange(int(f.Fd()), offset, length, unix.SYNC_FILE_RANGE_WRITE)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ESPIPE) || errors.Is(err, unix.EINVAL) {
		return nil
	}

	return full(err)
}

// Modified implements File.
func (f *linuxFile) Modified() (int64, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return 0, err
	}

	return s.Mtim.Nano(), nil
}

// SetTag implements File.
func (f *linuxFile) SetTag(tag string) error {
	return full(unix.Fsetxattr(int(f.Fd()), tagName, []byte(tag), 0))
}

// Sync implements File. The tag must last too, so the shorter fdatasync is not
// enough: it may leave out what is not needed to read the bytes.
func (f *linuxFile) Sync() error { return full(f.File.Sync()) }

func full(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return errors.Join(ErrFull, err)
	}

	return err
}
