package uploader

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A stamp tells one state of a file from another.
type stamp struct {
	Device   uint64 `json:"device"`
	Inode    uint64 `json:"inode"`
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"`
}

func stampOf(f *os.File) (stamp, error) {
	about, err := f.Stat()
	if err != nil {
		return stamp{}, fmt.Errorf("cannot look at it: %w", err)
	}

	s, ok := about.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}, errors.New("cannot look at it: the system does not say what it is")
	}

	return stamp{uint64(s.Dev), s.Ino, s.Size, about.ModTime().UnixNano()}, nil //nolint:unconvert // On some machines it is.
}

// lease says whether a file is closed. The kernel grants a lease for reading where
// nobody has the file open to write, in this container or in another; see fcntl(2).
// Whoever owns the file may ask, so the uploader runs as the user that ComfyUI runs
// as. The lease ends when f is closed.
func lease(f *os.File) (bool, error) {
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if errors.Is(err, unix.EAGAIN) {
		return false, nil
	}

	if err != nil {
		return false, fmt.Errorf("cannot tell whether it is closed: %w", err)
	}

	return true, nil
}
