// Package recipe writes down what the studio's builds build. A recipe is one
// text that holds everything a build is made from: a manifest of what was asked
// for, and the files that make it. Its hash names it, so the same wish is never
// built twice and another wish, or another way to fulfil it, is never mistaken
// for it. It holds nothing of the studio's account: that comes from the project
// that builds.
package recipe

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed comfyui agent models build.sh
var files embed.FS

// document is a recipe's form. build.sh unpacks it.
type document struct {
	Manifest any               `json:"manifest"`
	Files    map[string]string `json:"files"`
}

// text is a recipe with the files of a folder and others beside them.
func text(folder string, manifest any, others map[string]string) string {
	out := document{Manifest: manifest, Files: map[string]string{}}

	entries, err := files.ReadDir(folder)
	if err != nil {
		panic(fmt.Sprintf("cannot read recipe %s: %v", folder, err))
	}

	for _, e := range entries {
		out.Files[e.Name()] = file(path.Join(folder, e.Name()))
	}

	maps.Copy(out.Files, others)

	b, err := json.Marshal(out)
	if err != nil {
		// Strings, numbers and lists of them always marshal.
		panic(fmt.Sprintf("cannot write recipe %s: %v", folder, err))
	}

	return string(b)
}

func file(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		// It is part of the program.
		panic(fmt.Sprintf("cannot read %s: %v", name, err))
	}

	return string(b)
}

// Buildspec is what every project runs: it fetches the recipe of a hash, checks
// it, runs its make.sh, and writes a marker that says what became of it.
func Buildspec() string { return buildspec() }

// buildspec is the same whatever is built, and YAML is slow to write.
var buildspec = sync.OnceValue(func() string { //nolint:gochecknoglobals // A constant that Go has no const for.
	type phase struct {
		Commands []string `json:"commands"`
	}

	spec := struct {
		Version string            `json:"version"`
		Env     map[string]string `json:"env"`
		Phases  map[string]phase  `json:"phases"`
	}{
		Version: "0.2",
		Env:     map[string]string{"shell": "bash"},
		Phases:  map[string]phase{"build": {Commands: []string{file("build.sh")}}},
	}

	b, err := yaml.Marshal(spec)
	if err != nil {
		panic(fmt.Sprintf("cannot write the build specification: %v", err))
	}

	return string(b)
})
