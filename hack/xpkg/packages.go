package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// The names of our repositories.
const (
	functionName      = "compose-comfyui"
	configurationName = "configuration"
)

// A pkg is a package to be published.
type pkg struct {
	repository, version string
	// images are one for each platform.
	images []v1.Image
	// bom is what it is made of; stand-ins have none.
	bom *cdx.BOM
}

func (p pkg) name() string { return p.repository[strings.LastIndexByte(p.repository, '/')+1:] }

// ours are our packages, from the source in a folder and the function's programs
// by architecture.
func ours(root, registry, version string, programs map[string][]byte) ([]pkg, error) {
	function := pkg{repository: registry + "/" + functionName, version: version}

	manifest, err := os.ReadFile(filepath.Join(root, "package", "function", "crossplane.yaml"))
	if err != nil {
		return nil, fmt.Errorf("cannot read the function's package: %w", err)
	}

	for _, arch := range slices.Sorted(maps.Keys(programs)) {
		i, err := functionImage(arch, version, programs[arch], manifest)
		if err != nil {
			return nil, err
		}

		function.images = append(function.images, i)
	}

	content, err := configuration(root, registry, version)
	if err != nil {
		return nil, err
	}

	i, err := packed(empty.Image, version, content)
	if err != nil {
		return nil, err
	}

	b, err := configurationBOM(version, content)
	if err != nil {
		return nil, err
	}

	return []pkg{function, {repository: registry + "/" + configurationName, version: version, images: []v1.Image{i}, bom: b}}, nil
}

// configuration is the Configuration's manifest: what it is, what it depends on and
// the APIs.
func configuration(root, registry, version string) ([]byte, error) {
	out := bytes.Buffer{}

	for _, file := range []string{
		"package/configuration/crossplane.yaml",
		"apis/comfyuistudios/definition.yaml",
		"apis/comfyuistudios/composition.yaml",
		"apis/comfyuistudios/activation.yaml",
	} {
		b, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return nil, fmt.Errorf("cannot read the Configuration's package: %w", err)
		}

		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(b, &o.Object); err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", file, err)
		}

		if err := address(o, registry, version); err != nil {
			return nil, fmt.Errorf("cannot pack %s: %w", file, err)
		}

		b, err = yaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", file, err)
		}

		out.WriteString("---\n")
		out.Write(b)
	}

	return out.Bytes(), nil
}

// address makes an object name the function as it will be called where it is
// installed from.
func address(o *unstructured.Unstructured, registry, version string) error {
	switch o.GetKind() {
	case "Configuration":
		return each(o, "dependsOn", func(dependency map[string]any) {
			if dependency["kind"] == "Function" {
				dependency["package"], dependency["version"] = registry+"/"+functionName, ">="+version
			}
		})
	case "Composition":
		return each(o, "pipeline", func(step map[string]any) {
			step["functionRef"] = map[string]any{"name": installedName(registry + "/" + functionName)}
		})
	default:
		return nil
	}
}

// each changes every element of a list of the spec.
func each(o *unstructured.Unstructured, list string, change func(map[string]any)) error {
	elements, found, err := unstructured.NestedSlice(o.Object, "spec", list)
	if err != nil || !found {
		return fmt.Errorf("its spec has no list %s (%w)", list, err)
	}

	for _, e := range elements {
		if m, ok := e.(map[string]any); ok {
			change(m)
		}
	}

	return unstructured.SetNestedSlice(o.Object, elements, "spec", list) //nolint:wrapcheck // It was there.
}

// installedName is what Crossplane calls a package that it installs because another
// one depends on it: the repository's path without its registry, as a DNS label.
func installedName(repository string) string {
	_, path, _ := strings.Cut(repository, "/")

	return strings.Map(func(r rune) rune {
		switch {
		case r == '/', r == '.', r == ':', r == '-':
			return '-'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		default:
			return -1
		}
	}, path)
}
