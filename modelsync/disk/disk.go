// Package disk is the one file system that a mirror lives on, as little of it as
// the mirror needs: every step whose order decides what a crash leaves behind is
// a call here. So the order can be recorded and every crash be tried.
//
// Names are slash-separated and below one root, the folder that holds the mirrored
// directory and what stands beside it.
package disk

import (
	"errors"
	"io"
)

// What a disk says.
var (
	// ErrFull says that there is no room.
	ErrFull = errors.New("no space left on the file system")
	// ErrLocked says that another process has the lock.
	ErrLocked = errors.New("another daemon works on this directory")
)

// A Kind is what a name stands for.
type Kind int

// Links, sockets and devices are other things: nothing of a bucket.
const (
	Other Kind = iota
	Regular
	Folder
)

// An Entry is one name in a folder.
type Entry struct {
	Name string
	Kind Kind
	Size int64
	// Modified is when the bytes were last written, in nanoseconds.
	Modified int64
	// Tag is what was put on the file by SetTag, or empty.
	Tag string
}

// Space is the file system's, in bytes.
type Space struct{ Total, Free int64 }

// A Disk is a file system. What it changes is seen by everybody at once, and
// survives a crash only from the sync on that names it.
type Disk interface {
	Reader
	Writer
	Syncer

	// Lock keeps others out until unlock is called or the process ends.
	Lock() (unlock func(), err error)
}

// A Reader looks.
type Reader interface {
	// List lists a folder in no order.
	List(folder string) ([]Entry, error)
	Stat(name string) (Entry, error)
	// Open opens a file that is there, to be read and tagged.
	Open(name string) (File, error)
	Space() (Space, error)
}

// A Writer changes names.
type Writer interface {
	// Create makes a file that was not there, with room for size bytes.
	Create(name string, size int64) (File, error)
	MakeFolder(name string) error
	// Rename takes the place of a file that is there, and from is no name any more.
	Rename(from, to string) error
	// Link gives a file a second name.
	Link(from, to string) error
	// Remove removes a file, and never a folder.
	Remove(name string) error
	// RemoveFolder removes an empty folder, and never a file.
	RemoveFolder(name string) error
}

// A Syncer makes changes last.
type Syncer interface {
	// SyncFolder is about the names in a folder.
	SyncFolder(name string) error
	// SyncAll is about everything.
	SyncAll() error
}

// A File is open.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer

	// WriteBack starts to write to the device, and does not wait: so the last sync
	// is short and few pages are dirty.
	WriteBack(offset, length int64) error
	// Modified is when the bytes were last written, in nanoseconds.
	Modified() (int64, error)
	// SetTag puts a text on the file itself, whatever its name.
	SetTag(tag string) error
	// Sync makes bytes and tag last.
	Sync() error
}
