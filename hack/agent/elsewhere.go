package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// sources are what the image is made of.
func sources() []string {
	return []string{"go.mod", "go.sum", "cmd", "gateway", "internal", "lambda", "modelsync", "runtime"}
}

// copySources puts the source as it is now where nothing else of this folder is.
func copySources(to, root string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("cannot copy the source: %w", err)
	}

	for _, name := range sources() {
		from := filepath.Join(root, name)

		about, err := os.Stat(from)
		if err == nil && about.IsDir() {
			err = os.CopyFS(filepath.Join(to, name), os.DirFS(from))
		} else if err == nil {
			err = copyFile(filepath.Join(to, name), from)
		}

		if err != nil {
			return fmt.Errorf("cannot copy the source: %w", err)
		}
	}

	return nil
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}

	return os.WriteFile(to, b, 0o644) //nolint:gosec // Both are ours.
}
