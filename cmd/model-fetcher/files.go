package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/modelsync/fetch"
)

// manifest reads what shall be there, as the recipe of the build lists it.
func manifest(name string) ([]fetch.File, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the manifest: %w", err)
	}

	m := struct {
		Files []fetch.File `json:"files"`
	}{}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("cannot read the manifest: %w", err)
	}

	if len(m.Files) == 0 {
		return nil, errors.New("cannot fetch models: the manifest lists none")
	}

	return m.Files, nil
}

// location reads s3://bucket/prefix.
func location(text string) (fetch.Location, error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	bucket, prefix, slash := strings.Cut(rest, "/")

	if !ok || !slash || bucket == "" || prefix == "" {
		return fetch.Location{}, fmt.Errorf("%q is not s3://bucket/prefix", text)
	}

	return fetch.Location{Bucket: bucket, Prefix: prefix}, nil
}

func write(name string, metadata map[string]string) error {
	b, err := json.Marshal(metadata)
	if err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}

	if err := os.WriteFile(name, b, 0o644); err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}

	return nil
}
