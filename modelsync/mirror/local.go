package mirror

import (
	"fmt"
	"path"

	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// A file is what stands under a name in the mirrored directory.
type file struct {
	disk.Entry

	identity identity
	// known says that the identity is there and true.
	known bool
}

// A local is what there is, by key.
type local struct {
	files map[string]file
	// empty are folders without anything in them.
	empty []string
}

// look walks through the mirrored directory.
func (m *Mirror) look() (local, error) {
	l := local{files: map[string]file{}}

	_, err := m.walk("", func(key string, e disk.Entry) {
		f := file{Entry: e}
		f.identity, f.known = identityOf(e)
		l.files[key] = f
	}, func(folder string) { l.empty = append(l.empty, folder) })

	return l, err
}

// walk visits files below a folder and tells of folders with nothing in them,
// inner ones first. It says whether the folder holds any file.
func (m *Mirror) walk(folder string, visit func(key string, e disk.Entry), empty func(folder string)) (bool, error) {
	entries, err := m.disk.List(path.Join(m.tree, folder))
	if err != nil {
		return false, fmt.Errorf("cannot read folder %q: %w", folder, err)
	}

	full := false

	for _, e := range entries {
		key := path.Join(folder, e.Name)

		if e.Kind != disk.Folder {
			full = true

			visit(key, e)

			continue
		}

		inside, err := m.walk(key, visit, empty)
		if err != nil {
			return false, err
		}

		if !inside {
			empty(key)
		}

		full = full || inside
	}

	return full, nil
}
