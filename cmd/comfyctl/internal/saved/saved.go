// Package saved keeps the studios that somebody works with by name, so that they
// need not be said each time: where each is, and how to get in. The file is
// readable for its owner alone.
package saved

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// A Context is a studio. It has an address and a token, or names a claim, which is
// asked for both each time.
type Context struct {
	URL   string `json:"url,omitempty"`
	Token string `json:"token,omitempty"`
	Pool  string `json:"pool,omitempty"`

	// Studio is namespace/name of a claim, Kubeconfig and KubeContext are how to reach
	// its cluster, if it is not the usual one.
	Studio      string `json:"studio,omitempty"`
	Kubeconfig  string `json:"kubeconfig,omitempty"`
	KubeContext string `json:"kubeContext,omitempty"`
}

// A File is all of them.
type File struct {
	// Current is the one that is meant when none is named.
	Current  string             `json:"current,omitempty"`
	Contexts map[string]Context `json:"contexts,omitempty"`
}

// Path is where the file is: COMFYCTL_CONFIG, or below the user's own directory.
func Path() (string, error) {
	if p := os.Getenv("COMFYCTL_CONFIG"); p != "" {
		return p, nil
	}

	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("cannot tell where contexts are kept: %w; set COMFYCTL_CONFIG", err)
	}

	return filepath.Join(dir, "comfyctl", "config.yaml"), nil
}

// Read reads the file. One that is not there is empty.
func Read() (File, error) {
	f := File{Contexts: map[string]Context{}}

	path, err := Path()
	if err != nil {
		return f, err
	}

	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}

	if err != nil {
		return f, fmt.Errorf("cannot read contexts: %w", err)
	}

	if err := yaml.UnmarshalStrict(b, &f); err != nil {
		return f, fmt.Errorf("cannot read contexts in %s: %w", path, err)
	}

	if f.Contexts == nil {
		f.Contexts = map[string]Context{}
	}

	return f, nil
}

// Named is one of them, or the current one.
func (f File) Named(name string) (Context, error) {
	if name == "" {
		name = f.Current
	}

	c, ok := f.Contexts[name]
	if !ok {
		return Context{}, fmt.Errorf("there is no context %q, but %s", name, strings.Join(f.Names(), ", "))
	}

	return c, nil
}

// Names are all names, in their order.
func (f File) Names() []string { return slices.Sorted(maps.Keys(f.Contexts)) }

// Write replaces the file whole.
func (f File) Write() error {
	path, err := Path()
	if err != nil {
		return err
	}

	b, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("cannot write contexts: %w", err)
	}

	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("cannot write contexts: %w", err)
	}

	// A temporary file is its owner's alone from the start: there are tokens in it.
	tmp, err := os.CreateTemp(filepath.Dir(path), ".config-*")
	if err != nil {
		return fmt.Errorf("cannot write contexts: %w", err)
	}
	defer os.Remove(tmp.Name())

	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}

	if err != nil {
		return fmt.Errorf("cannot write contexts: %w", err)
	}

	return nil
}
