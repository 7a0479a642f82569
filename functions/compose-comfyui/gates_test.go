package main

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// gates is what one resource waits for before it is composed.
type gates struct {
	Key string `json:"key"`
	// After are the resources that must be Ready first.
	After []kit.Key `json:"after,omitempty"`
	// Needs are values that must be known.
	Needs []string `json:"needs,omitempty"`
}

// TestGates writes down every resource's gates. The bed reads the file and holds
// a live studio to it: each resource is composed in the first run that sees its
// gates open.
func TestGates(t *testing.T) {
	for name, claim := range examples(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, claim)
			w.settle()

			a, err := decide(w.request(), parts(), testRelease(), testRandom())
			if err != nil {
				t.Fatal(err)
			}

			var got []gates
			for _, k := range slices.Sorted(maps.Keys(a.result.After)) {
				got = append(got, gates{Key: string(k), After: a.result.After[k], Needs: a.result.Needs[k]})
			}

			golden(t, filepath.Join("testdata", "gates", name+".yaml"), got)
		})
	}
}
