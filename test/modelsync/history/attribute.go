package history

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// setAttribute tries whether a file system has the attributes that the mirror
// keeps its notes in.
func setAttribute(f *os.File) error {
	if err := unix.Fsetxattr(int(f.Fd()), "user.probe", []byte("1"), 0); err != nil {
		return fmt.Errorf("cannot set an attribute: %w", err)
	}

	return nil
}
