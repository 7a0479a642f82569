package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"sigs.k8s.io/yaml"
)

// listName is the file that says what the others are.
const listName = "packages.yaml"

// written is a package in a folder.
type written struct {
	Repository string `json:"repository"`
	Version    string `json:"version"`
	// Digest is that of what the CLI pushes.
	Digest string `json:"digest"`
	// Files are one for each platform.
	Files []string `json:"files"`
	// BOM is the file with its bill of materials.
	BOM string `json:"bom,omitempty"`
}

// write writes packages into a folder of their own.
func write(dir string, made []pkg) ([]written, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("cannot write the packages: %w", err)
	}

	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot write the packages: %w", err)
	}

	list := []written{}

	for _, p := range made {
		w, err := p.write(dir)
		if err != nil {
			return nil, fmt.Errorf("cannot write package %s: %w", p.name(), err)
		}

		list = append(list, w)
	}

	b, err := yaml.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("cannot list the packages: %w", err)
	}

	if err := os.WriteFile(filepath.Join(dir, listName), b, 0o644); err != nil {
		return nil, fmt.Errorf("cannot list the packages: %w", err)
	}

	return list, nil
}

func (p pkg) write(dir string) (written, error) {
	digest, err := digestOf(p.images)
	if err != nil {
		return written{}, err
	}

	w := written{Repository: p.repository, Version: p.version, Digest: digest.String()}

	tag, err := name.NewTag(p.repository + ":" + p.version)
	if err != nil {
		return written{}, err //nolint:wrapcheck // The caller says of which package.
	}

	for _, i := range p.images {
		config, err := i.ConfigFile()
		if err != nil {
			return written{}, err //nolint:wrapcheck // The caller says of which package.
		}

		file := p.name() + ".xpkg"
		if config.Architecture != "" {
			file = p.name() + "-" + config.Architecture + ".xpkg"
		}

		if err := tarball.WriteToFile(filepath.Join(dir, file), tag, i); err != nil {
			return written{}, err //nolint:wrapcheck // The caller says of which package.
		}

		w.Files = append(w.Files, file)
	}

	if p.bom == nil {
		return w, nil
	}

	b, err := encode(p.bom)
	if err != nil {
		return written{}, err
	}

	w.BOM = p.name() + ".cdx.json"

	return w, os.WriteFile(filepath.Join(dir, w.BOM), b, 0o644)
}
