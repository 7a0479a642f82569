package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comfyui-studio/comfyui-studio/hack/image"
)

// Where Crossplane finds a package in an image: in the layer with this annotation,
// which spares it all others. In an .xpkg file, whose layers cannot have one, a
// label of the image stands for it, and the CLI turns it into the annotation.
const (
	annotation = "io.crossplane.xpkg"
	base       = "base"
	stream     = "package.yaml"
)

// program is what the function's image runs, by the name of Crossplane's template.
const program = "function"

// functionImage is an image that runs the function on a platform, and its package.
func functionImage(arch, version string, function, manifest []byte) (v1.Image, error) {
	i := empty.Image

	for _, files := range [][]image.File{image.System(), {{Path: program, Mode: 0o755, Content: function}}} {
		layer, err := image.Layer(files, types.DockerLayer)
		if err != nil {
			return nil, err
		}

		if i, err = mutate.AppendLayers(i, layer); err != nil {
			return nil, fmt.Errorf("cannot make the image: %w", err)
		}
	}

	i, err := image.Configure(i, arch, program, "compose-comfyui")
	if err != nil {
		return nil, err
	}

	return packed(i, version, manifest)
}

// packed adds a package's manifest to an image, and says its version.
func packed(i v1.Image, version string, manifest []byte) (v1.Image, error) {
	layer, err := image.Layer([]image.File{{Path: stream, Mode: 0o644, Content: manifest}}, types.DockerLayer)
	if err != nil {
		return nil, err
	}

	digest, err := layer.Digest()
	if err != nil {
		return nil, fmt.Errorf("cannot name a layer: %w", err)
	}

	i, err = mutate.Append(i, mutate.Addendum{Layer: layer, Annotations: map[string]string{annotation: base}})
	if err != nil {
		return nil, fmt.Errorf("cannot pack the package: %w", err)
	}

	config, err := i.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("cannot pack the package: %w", err)
	}

	config = config.DeepCopy()
	if config.Config.Labels == nil {
		config.Config.Labels = map[string]string{}
	}

	config.Config.Labels["org.opencontainers.image.version"] = version
	config.Config.Labels[annotation+":"+digest.String()] = base

	i, err = mutate.ConfigFile(i, config)
	if err != nil {
		return nil, fmt.Errorf("cannot pack the package: %w", err)
	}

	return i, nil
}

// digestOf is what a registry will call images once they are pushed: one by its own
// digest, several by that of the index that the CLI makes of them.
func digestOf(images []v1.Image) (v1.Hash, error) {
	if len(images) == 1 {
		return images[0].Digest() //nolint:wrapcheck // The caller says what of.
	}

	var index v1.ImageIndex = empty.Index

	for _, i := range images {
		config, err := i.ConfigFile()
		if err != nil {
			return v1.Hash{}, err //nolint:wrapcheck // The caller says what of.
		}

		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: i, Descriptor: v1.Descriptor{
			MediaType: types.DockerManifestSchema2,
			Platform:  &v1.Platform{Architecture: config.Architecture, OS: config.OS},
		}})
	}

	m, err := index.IndexManifest()
	if err != nil {
		return v1.Hash{}, err //nolint:wrapcheck // The caller says what of.
	}

	// The CLI's release of this library says it of each image, and ours cannot.
	for n := range m.Manifests {
		m.Manifests[n].ArtifactType = string(types.DockerConfigJSON)
	}

	b, err := json.Marshal(m)
	if err != nil {
		return v1.Hash{}, err //nolint:wrapcheck // The caller says what of.
	}

	digest, _, err := v1.SHA256(bytes.NewReader(b))

	return digest, err //nolint:wrapcheck // The caller says what of.
}
