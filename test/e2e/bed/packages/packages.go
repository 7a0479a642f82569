// Package packages serves packages as a registry does, and takes programs out of
// their images as a container runtime would. What the packages are, hack/xpkg says
// in a folder of .xpkg files, and this package holds it to that: what is pushed has
// the digest that was announced.
package packages

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/crossplane/crossplane-runtime/v2/pkg/xpkg"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"
)

// ListFile says what the other files of a folder are.
const ListFile = "packages.yaml"

// A Package is one in a folder.
type Package struct {
	Repository string `json:"repository"`
	Version    string `json:"version"`
	Digest     string `json:"digest"`
	// Files are one for each platform.
	Files []string `json:"files"`
	// BOM is the file with its bill of materials, if it has one.
	BOM string `json:"bom,omitempty"`
}

// List reads what packages a folder has.
func List(dir string) ([]Package, error) {
	b, err := os.ReadFile(filepath.Join(dir, ListFile))
	if err != nil {
		return nil, fmt.Errorf("cannot list packages: %w", err)
	}

	list := []Package{}
	if err := yaml.UnmarshalStrict(b, &list); err != nil {
		return nil, fmt.Errorf("cannot list packages in %s: %w", dir, err)
	}

	return list, nil
}

// images reads a package's images, as the CLI pushes them.
func (p Package) images(dir string) ([]v1.Image, error) {
	out := []v1.Image{}

	for _, file := range p.Files {
		i, err := tarball.ImageFromPath(filepath.Join(dir, file), nil)
		if err != nil {
			return nil, fmt.Errorf("cannot read package %s: %w", file, err)
		}

		i, err = xpkg.AnnotateLayers(i)
		if err != nil {
			return nil, fmt.Errorf("cannot read package %s: %w", file, err)
		}

		out = append(out, i)
	}

	return out, nil
}

// indexOf is what the CLI makes of images for several platforms.
func indexOf(images []v1.Image) (v1.ImageIndex, error) {
	var index v1.ImageIndex = empty.Index

	for _, i := range images {
		media, err := i.MediaType()
		if err != nil {
			return nil, fmt.Errorf("cannot make an index: %w", err)
		}

		config, err := i.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("cannot make an index: %w", err)
		}

		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: i, Descriptor: v1.Descriptor{
			MediaType: media, ArtifactType: string(types.DockerConfigJSON),
			Platform: &v1.Platform{Architecture: config.Architecture, OS: config.OS},
		}})
	}

	return index, nil
}
