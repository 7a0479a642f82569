package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// chunk is how much is compared at once.
const chunk = 1 << 20

// Compare tells how a directory differs from what it shall hold, byte for byte.
func Compare(directory string, want map[string]*store.Object) []string {
	var differences []string

	left := maps.Clone(want)

	err := filepath.WalkDir(directory, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}

		name, err := filepath.Rel(directory, path)
		if err != nil {
			return err
		}

		if e.IsDir() {
			if d := emptyFolder(path, name); d != "" {
				differences = append(differences, d)
			}

			return nil
		}

		o := left[name]
		if o == nil {
			differences = append(differences, fmt.Sprintf("%q is there and should not be", name))
			return nil
		}

		delete(left, name)

		if d := differs(path, o.Content); d != "" {
			differences = append(differences, fmt.Sprintf("%q %s", name, d))
		}

		return nil
	})
	if err != nil {
		differences = append(differences, err.Error())
	}

	for _, key := range slices.Sorted(maps.Keys(left)) {
		differences = append(differences, fmt.Sprintf("%q is not there", key))
	}

	return differences
}

// emptyFolder finds folders that nothing is in any more. Those at the top stay:
// ComfyUI looks into them.
func emptyFolder(path, name string) string {
	if !strings.Contains(name, "/") {
		return ""
	}

	inside, err := os.ReadDir(path)
	if err != nil || len(inside) > 0 {
		return ""
	}

	return fmt.Sprintf("%q is an empty folder", name)
}

func differs(path string, want store.Content) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}

	defer f.Close()

	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}

	if info.Size() != want.Size() {
		return fmt.Sprintf("has %d bytes and should have %d", info.Size(), want.Size())
	}

	got, expected := make([]byte, chunk), make([]byte, chunk)

	for off := int64(0); off < want.Size(); off += chunk {
		n := min(chunk, want.Size()-off)

		_, err := f.ReadAt(got[:n], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return err.Error()
		}

		if _, err := want.ReadAt(expected[:n], off); err != nil && !errors.Is(err, io.EOF) {
			return err.Error()
		}

		if !bytes.Equal(got[:n], expected[:n]) {
			return fmt.Sprintf("has other bytes behind %d", off)
		}
	}

	return ""
}
