package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who the image runs as where a pod does not say: nobody.
const user = "65532"

// A file is one of the image's.
type file struct {
	path    string
	mode    int64
	content []byte
}

// artefacts are what is pinned by its own hash, beside the image.
type artefacts map[string][]byte

// compose makes the image for all platforms: nothing but our programs, the
// certificates that they trust and the name of who runs them.
func compose(ctx context.Context, build builder, lambda []byte) (v1.ImageIndex, artefacts, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	made := artefacts{lambdaZip: lambda}

	for _, arch := range platforms() {
		layers := [][]file{system()}

		var elsewhere []file

		for _, p := range programs() {
			if !p.everywhere && arch != servers {
				continue
			}

			b, err := build(ctx, arch, p.source)
			if err != nil {
				return nil, nil, err
			}

			f := file{p.path, 0o755, b}
			if p.everywhere {
				layers = append(layers, []file{f})
				continue
			}

			elsewhere = append(elsewhere, f)
			made[p.path] = b
		}

		if arch == servers {
			layers = append(layers, append(elsewhere, file{lambdaZip, 0o644, lambda}))
		}

		image, err := imageOf(arch, layers)
		if err != nil {
			return nil, nil, err
		}

		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}

	return index, made, nil
}

func imageOf(arch string, layers [][]file) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)

	for _, files := range layers {
		b, err := archive(files)
		if err != nil {
			return nil, err
		}

		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }, tarball.WithMediaType(types.OCILayer))
		if err != nil {
			return nil, fmt.Errorf("cannot make a layer: %w", err)
		}

		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, MediaType: types.OCILayer}); err != nil {
			return nil, fmt.Errorf("cannot make the image: %w", err)
		}
	}

	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("cannot make the image: %w", err)
	}

	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{
		Entrypoint: []string{"/studio-agent"},
		User:       user + ":" + user,
		WorkingDir: "/",
		Env:        []string{"PATH=/", "SSL_CERT_FILE=/" + certificates},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "studio-agent",
			"org.opencontainers.image.source":   "https://github.com/comfyui-studio/comfyui-studio",
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}

	image, err = mutate.ConfigFile(image, config)
	if err != nil {
		return nil, fmt.Errorf("cannot make the image: %w", err)
	}

	return image, nil
}

const certificates = "etc/ssl/certs/ca-certificates.crt"

// system are the files that a program expects of any system. The certificates are
// Mozilla's, of a module that go.sum pins: no file of the machine that builds gets
// into the image.
func system() []file {
	var roots bytes.Buffer

	for r := range bundle.Roots() {
		// One that is trusted for older certificates only cannot be told so in a file.
		if r.Constraint != nil {
			continue
		}

		if err := pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate}); err != nil {
			// A buffer takes everything.
			panic(err)
		}
	}

	return []file{
		{"etc/passwd", 0o644, []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:" + user + ":" + user + ":nonroot:/:/sbin/nologin\n")},
		{"etc/group", 0o644, []byte("root:x:0:\nnonroot:x:" + user + ":\n")},
		{certificates, 0o644, roots.Bytes()},
	}
}

// archive packs files and their directories, all root's and as old as time.
func archive(files []file) ([]byte, error) {
	var out bytes.Buffer

	w := tar.NewWriter(&out)
	seen := map[string]bool{}

	for _, f := range files {
		var dirs []string
		for dir := path.Dir(f.path); dir != "."; dir = path.Dir(dir) {
			dirs = append([]string{dir}, dirs...)
		}

		for _, dir := range dirs {
			if seen[dir] {
				continue
			}

			seen[dir] = true

			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}); err != nil {
				return nil, fmt.Errorf("cannot pack %s: %w", dir, err)
			}
		}

		if err := w.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, Size: int64(len(f.content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}); err != nil {
			return nil, fmt.Errorf("cannot pack %s: %w", f.path, err)
		}

		if _, err := w.Write(f.content); err != nil {
			return nil, fmt.Errorf("cannot pack %s: %w", f.path, err)
		}
	}

	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("cannot pack a layer: %w", err)
	}

	return out.Bytes(), nil
}

// size is what a platform's image weighs where it is pulled, in bytes.
func size(image v1.Image) (int64, error) {
	m, err := image.Manifest()
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
