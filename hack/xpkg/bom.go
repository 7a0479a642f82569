package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"maps"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"
)

// functionBOM is the bill of materials of the function: the modules that the
// compiler has written into its programs, of all platforms, and the compiler.
func functionBOM(version string, programs map[string][]byte) (*cdx.BOM, error) {
	parts := map[string]cdx.Component{}

	for _, arch := range slices.Sorted(maps.Keys(programs)) {
		info, err := buildinfo.Read(bytes.NewReader(programs[arch]))
		if err != nil {
			return nil, fmt.Errorf("cannot read what the function for %s is made of: %w", arch, err)
		}

		goVersion := strings.TrimPrefix(info.GoVersion, "go")
		parts["std"] = cdx.Component{Type: cdx.ComponentTypeLibrary, Name: "std", Version: goVersion, PackageURL: "pkg:golang/std@" + goVersion}

		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}

			parts[m.Path] = cdx.Component{Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: "pkg:golang/" + m.Path + "@" + m.Version}
		}
	}

	return bom(functionName, version, parts), nil
}

// configurationBOM is the bill of materials of the Configuration: the packages that
// are installed with it, in the versions that do.
func configurationBOM(version string, content []byte) (*cdx.BOM, error) {
	first, _, _ := bytes.Cut(bytes.TrimPrefix(content, []byte("---\n")), []byte("\n---\n"))

	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(first, &o.Object); err != nil {
		return nil, fmt.Errorf("cannot read what the Configuration is made of: %w", err)
	}

	parts := map[string]cdx.Component{}

	err := each(o, "dependsOn", func(d map[string]any) {
		name, _ := d["package"].(string)
		versions, _ := d["version"].(string)
		parts[name] = cdx.Component{Type: cdx.ComponentTypeContainer, Name: name, Version: versions}
	})
	if err != nil {
		return nil, err
	}

	return bom(configurationName, version, parts), nil
}

// bom has no serial number and no time: it is part of what is the same twice.
func bom(name, version string, parts map[string]cdx.Component) *cdx.BOM {
	components := []cdx.Component{}

	for _, key := range sets.List(sets.KeySet(parts)) {
		c := parts[key]
		c.BOMRef = key
		components = append(components, c)
	}

	b := cdx.NewBOM()
	b.Metadata = &cdx.Metadata{Component: &cdx.Component{
		Type: cdx.ComponentTypeContainer, Name: name, Version: version, BOMRef: name,
		Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
	}}
	b.Components = &components

	return b
}

// encode is a bill of materials as a file has it.
func encode(b *cdx.BOM) ([]byte, error) {
	out := bytes.Buffer{}
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(b); err != nil {
		return nil, fmt.Errorf("cannot write a bill of materials: %w", err)
	}

	return out.Bytes(), nil
}
