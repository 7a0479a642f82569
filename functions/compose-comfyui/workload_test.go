package main

import (
	"io"
	"maps"
	"strings"
)

// testRandom gives the same bytes to every function, so that golden files hold
// still.
func testRandom() io.Reader { return strings.NewReader(strings.Repeat("seed", 8)) }

// applied is an object as it is in the studio's cluster: as it was applied, and a
// Deployment with what it runs.
func applied(manifest map[string]any) map[string]any {
	if manifest["kind"] != "Deployment" {
		return manifest
	}

	spec := map[string]any{"replicas": 1.0}
	maps.Copy(spec, manifest["spec"].(map[string]any))

	out := maps.Clone(manifest)
	out["spec"], out["status"] = spec, map[string]any{"readyReplicas": spec["replicas"]}

	return out
}
