package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

// A gate is what one resource waits for: other resources to be Ready, and values
// that only AWS can tell.
type gate struct {
	Key   string   `json:"key"`
	After []string `json:"after"`
	Needs []string `json:"needs"`
}

// readGates reads what the function's own tests wrote down.
func readGates(file string) ([]gate, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the gates: %w", err)
	}

	var out []gate
	if err := yaml.UnmarshalStrict(b, &out); err != nil {
		return nil, fmt.Errorf("cannot read the gates in %s: %w", file, err)
	}

	for i, g := range out {
		out[i].Key = familyOf(g.Key)

		for j, k := range g.After {
			g.After[j] = familyOf(k)
		}
	}

	return out, nil
}
