// Package need knows which models a workflow needs, and where models come from.
package need

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed catalogue.yaml
var catalogueYAML []byte

// A Model is a file under ComfyUI's models directory, and where it comes from, as
// far as that is known.
type Model struct {
	Path   string `json:"path"`
	URL    string `json:"url,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Size   int64  `json:"size,omitempty"`
}

// A Set is models that go together.
type Set struct {
	About string  `json:"about"`
	Files []Model `json:"files"`
}

// A Catalogue is sets by name.
type Catalogue struct {
	Sets map[string]Set `json:"sets"`
}

var builtIn = sync.OnceValues(func() (Catalogue, error) { return parse(catalogueYAML) }) //nolint:gochecknoglobals // A constant that needs parsing.

// Read reads a catalogue, and adds it to the one that comes along.
func Read(file string) (Catalogue, error) {
	own, err := builtIn()
	if err != nil || file == "" {
		return own, err
	}

	b, err := os.ReadFile(file)
	if err != nil {
		return Catalogue{}, fmt.Errorf("cannot read the catalogue: %w", err)
	}

	more, err := parse(b)
	if err != nil {
		return Catalogue{}, fmt.Errorf("%s: %w", file, err)
	}

	out := Catalogue{Sets: maps.Clone(own.Sets)}
	maps.Copy(out.Sets, more.Sets)

	return out, nil
}

func parse(b []byte) (Catalogue, error) {
	c := Catalogue{}
	if err := yaml.UnmarshalStrict(b, &c); err != nil {
		return Catalogue{}, fmt.Errorf("cannot read the catalogue: %w", err)
	}

	for name, s := range c.Sets {
		for _, f := range s.Files {
			if f.Path == "" || f.URL == "" {
				return Catalogue{}, fmt.Errorf("cannot read the catalogue: a file of set %s has no path or no url", name)
			}
		}
	}

	return c, nil
}

// Names are those of the sets, in their order.
func (c Catalogue) Names() []string { return slices.Sorted(maps.Keys(c.Sets)) }

// Find is the model of a path, or of its file name in a folder that is another
// name for the same.
func (c Catalogue) Find(name string) (Model, bool) {
	for _, set := range c.Names() {
		for _, m := range c.Sets[set].Files {
			if Same(m.Path, name) {
				return m, true
			}
		}
	}

	return Model{}, false
}

// Same says whether two paths are of the same model: ComfyUI looks into more than
// one folder for some kinds.
func Same(a, b string) bool {
	return a == b || (path.Base(a) == path.Base(b) && canonical(path.Dir(a)) == canonical(path.Dir(b)))
}

func canonical(folder string) string {
	switch folder {
	case "unet":
		return diffusion
	case "clip":
		return encoders
	}

	return folder
}
