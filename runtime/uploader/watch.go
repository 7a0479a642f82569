package uploader

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// heeded is what is watched for in each directory: files that are closed after
// they could be written, what gets another name or goes, and new directories. fsnotify,
// which hides the differences between systems, does not tell of closing.
const heeded = written | gone | unix.IN_CREATE | unix.IN_ONLYDIR

const (
	written = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO
	gone    = unix.IN_MOVED_FROM | unix.IN_DELETE
)

// An event names a file that may be copied, or a directory to be looked through.
type event struct {
	name      string
	directory bool
}

// A watcher tells of files below a directory.
type watcher struct {
	events chan event
	failed chan error

	root string
	file *os.File
	gone chan struct{}
	// watched are the directories, by the number that the kernel gave each.
	watched map[int32]string
}

// watch watches a directory and all below it, also what will be.
func watch(root string) (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("cannot watch %s: %w", root, err)
	}

	w := &watcher{
		events: make(chan event), failed: make(chan error, 1), gone: make(chan struct{}),
		root: root, file: os.NewFile(uintptr(fd), "inotify"), watched: map[int32]string{},
	}
	if err := w.add("."); err != nil {
		_ = w.file.Close()
		return nil, err
	}

	go w.read()

	return w, nil
}

func (w *watcher) close() {
	close(w.gone)

	_ = w.file.Close()
}

// add watches a directory and those that it has already.
func (w *watcher) add(dir string) error {
	err := filepath.WalkDir(filepath.Join(w.root, dir), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != w.root {
			return nil
		}

		if err != nil || !d.IsDir() {
			return err
		}

		name, err := filepath.Rel(w.root, path)
		if err != nil {
			return err
		}

		id, err := unix.InotifyAddWatch(int(w.file.Fd()), path, heeded)
		if errors.Is(err, unix.ENOENT) && path != w.root {
			return fs.SkipDir
		}

		w.watched[int32(id)] = name //nolint:gosec // The kernel's own numbers are of this size.

		return err
	})
	if err != nil {
		return fmt.Errorf("cannot watch %s: %w", filepath.Join(w.root, dir), err)
	}

	return nil
}

func (w *watcher) read() {
	b := make([]byte, 64<<10)

	for {
		n, err := w.file.Read(b)
		if errors.Is(err, os.ErrClosed) {
			return
		}

		if err == nil {
			err = w.parse(b[:n])
		}

		if err != nil {
			w.failed <- fmt.Errorf("cannot watch %s: %w", w.root, err)
			return
		}
	}
}

// parse reads the kernel's records: four numbers, and a name filled up with zeros.
func (w *watcher) parse(b []byte) error {
	for len(b) >= unix.SizeofInotifyEvent {
		id := int32(binary.NativeEndian.Uint32(b)) //nolint:gosec // It is a signed number.
		mask, length := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[12:])
		end := unix.SizeofInotifyEvent + int(length)
		name := filepath.Join(w.watched[id], string(bytes.TrimRight(b[unix.SizeofInotifyEvent:end], "\x00")))
		b = b[end:]

		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			// More happened than the kernel keeps. New directories may be among it.
			if err := w.add("."); err != nil {
				return err
			}

			w.send(event{".", true})
		case mask&unix.IN_IGNORED != 0:
			delete(w.watched, id)
		case mask&unix.IN_ISDIR != 0 && mask&gone != 0:
			// With all that was in it.
			w.send(event{".", true})
		case mask&unix.IN_ISDIR != 0:
			// Watched first and looked through then: nothing falls in between.
			if err := w.add(name); err != nil {
				return err
			}

			w.send(event{name, true})
		case mask&(written|gone) != 0:
			w.send(event{name, false})
		}
	}

	return nil
}

func (w *watcher) send(e event) {
	select {
	case w.events <- e:
	case <-w.gone:
	}
}
