package uploader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Bucket is a directory that Mountpoint for S3 mounts. It takes a file that is
// opened to be written from its beginning, in order, once.
type Bucket interface {
	MkdirAll(name string, mode fs.FileMode) error
	OpenFile(name string, flag int, mode fs.FileMode) (File, error)
	Remove(name string) error
}

// A File is one in a bucket.
type File interface {
	io.ReadWriteCloser
	Stat() (fs.FileInfo, error)
	// Sync ends the upload and says whether S3 has it.
	Sync() error
}

// Directory is a bucket where it is mounted.
type Directory string

// MkdirAll makes directories, which are not in the bucket before a file is.
func (d Directory) MkdirAll(name string, mode fs.FileMode) error {
	return os.MkdirAll(filepath.Join(string(d), name), mode)
}

// OpenFile opens a file.
func (d Directory) OpenFile(name string, flag int, mode fs.FileMode) (File, error) {
	return os.OpenFile(filepath.Join(string(d), name), flag, mode)
}

// Remove removes a file.
func (d Directory) Remove(name string) error { return os.Remove(filepath.Join(string(d), name)) }

// piece is how much is read at a time.
const piece = 1 << 20

// same says whether the bucket has a file with the content of f. It leaves f at
// its beginning.
func (u *Uploader) same(name string, f io.ReadSeeker, size int64) (bool, error) {
	there, err := u.To.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}

	if err != nil {
		return false, fmt.Errorf("cannot see whether the bucket has it: %w", err)
	}
	defer there.Close()

	about, err := there.Stat()
	if err != nil {
		return false, fmt.Errorf("cannot see whether the bucket has it: %w", err)
	}

	equal := about.Size() == size
	if equal {
		if equal, err = sameBytes(f, there); err != nil {
			return false, fmt.Errorf("cannot compare it with what the bucket has: %w", err)
		}
	}

	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("cannot read it again: %w", err)
	}

	return equal, nil
}

func sameBytes(a, b io.Reader) (bool, error) {
	x, y := make([]byte, piece), make([]byte, piece)

	for {
		n, err := io.ReadFull(a, x)
		m, other := io.ReadFull(b, y)

		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}

		for _, e := range []error{err, other} {
			if errors.Is(e, io.EOF) || errors.Is(e, io.ErrUnexpectedEOF) {
				return true, nil
			}

			if e != nil {
				return false, e
			}
		}
	}
}

// put writes a file from its beginning to its end, over what may be there: an
// upload that was cut off.
func (u *Uploader) put(ctx context.Context, name string, f io.Reader) error {
	if err := u.To.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("cannot make its directory: %w", err)
	}

	to, err := u.To.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("cannot begin to write it: %w", err)
	}

	err = pour(ctx, to, f)
	if err == nil {
		err = to.Sync()
	}

	if err := errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("cannot write it: %w", err)
	}

	return nil
}

// pour copies piece by piece, so that an end is noticed in between.
func pour(ctx context.Context, to io.Writer, from io.Reader) error {
	b := make([]byte, piece)

	for {
		if err := ctx.Err(); err != nil {
			return err
		}

		n, err := from.Read(b)
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return err
			}
		}

		if errors.Is(err, io.EOF) {
			return nil
		}

		if err != nil {
			return err
		}
	}
}
