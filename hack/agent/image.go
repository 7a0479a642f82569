package main

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comfyui-studio/comfyui-studio/hack/image"
)

// artefacts are what is pinned by its own hash, beside the image.
type artefacts map[string][]byte

// compose makes the image for all platforms: nothing but our programs, the
// certificates that they trust and the name of who runs them.
func compose(ctx context.Context, build builder, lambda []byte) (v1.ImageIndex, artefacts, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	made := artefacts{lambdaZip: lambda}

	for _, arch := range platforms() {
		layers := [][]image.File{image.System()}

		var elsewhere []image.File

		for _, p := range programs() {
			if !p.everywhere && arch != servers {
				continue
			}

			b, err := build(ctx, arch, p.source)
			if err != nil {
				return nil, nil, err
			}

			f := image.File{Path: p.path, Mode: 0o755, Content: b}
			if p.everywhere {
				layers = append(layers, []image.File{f})
				continue
			}

			elsewhere = append(elsewhere, f)
			made[p.path] = b
		}

		if arch == servers {
			layers = append(layers, append(elsewhere, image.File{Path: lambdaZip, Mode: 0o644, Content: lambda}))
		}

		platform, err := imageOf(arch, layers)
		if err != nil {
			return nil, nil, err
		}

		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: platform, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}

	return index, made, nil
}

func imageOf(arch string, layers [][]image.File) (v1.Image, error) {
	made := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)

	for _, files := range layers {
		layer, err := image.Layer(files, types.OCILayer)
		if err != nil {
			return nil, err
		}

		if made, err = mutate.Append(made, mutate.Addendum{Layer: layer, MediaType: types.OCILayer}); err != nil {
			return nil, fmt.Errorf("cannot make the image: %w", err)
		}
	}

	return image.Configure(made, arch, "studio-agent", "studio-agent")
}

// size is what a platform's image weighs where it is pulled, in bytes.
func size(platform v1.Image) (int64, error) {
	m, err := platform.Manifest()
	if err != nil {
		return 0, fmt.Errorf("cannot weigh the image: %w", err)
	}

	n := m.Config.Size
	for _, l := range m.Layers {
		n += l.Size
	}

	return n, nil
}

// shortName is a file's own.
func shortName(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }
