// Package image makes what images hold without a container engine: static programs,
// the files that a program expects of any system, and layers of them. The same
// source and the same Go give the same bytes, wherever they are made.
package image

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who images run as where a pod does not say: nobody.
const user = "65532"

// A File is one of an image's.
type File struct {
	Path    string
	Mode    int64
	Content []byte
}

// Layer packs files into a layer.
func Layer(files []File, media types.MediaType) (v1.Layer, error) {
	b, err := archive(files)
	if err != nil {
		return nil, err
	}

	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }, tarball.WithMediaType(media))
	if err != nil {
		return nil, fmt.Errorf("cannot make a layer: %w", err)
	}

	return layer, nil
}

// Configure says how a platform's image runs its program: as nobody.
func Configure(i v1.Image, arch, program, title string) (v1.Image, error) {
	config, err := i.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("cannot make the image: %w", err)
	}

	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{
		Entrypoint: []string{"/" + program},
		User:       user + ":" + user,
		WorkingDir: "/",
		Env:        []string{"PATH=/", "SSL_CERT_FILE=/" + Certificates},
		Labels: map[string]string{
			"org.opencontainers.image.title":    title,
			"org.opencontainers.image.source":   "https://github.com/comfyui-studio/comfyui-studio",
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}

	i, err = mutate.ConfigFile(i, config)
	if err != nil {
		return nil, fmt.Errorf("cannot make the image: %w", err)
	}

	return i, nil
}

// Certificates is where an image has those that its programs trust.
const Certificates = "etc/ssl/certs/ca-certificates.crt"

// System are the files that a program expects of any system. The certificates are
// Mozilla's, of a module that go.sum pins: no file of the machine that builds gets
// into the image.
func System() []File {
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

	return []File{
		{"etc/passwd", 0o644, []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:" + user + ":" + user + ":nonroot:/:/sbin/nologin\n")},
		{"etc/group", 0o644, []byte("root:x:0:\nnonroot:x:" + user + ":\n")},
		{Certificates, 0o644, roots.Bytes()},
	}
}

// archive packs files and their directories, all root's and as old as time.
func archive(files []File) ([]byte, error) {
	var out bytes.Buffer

	w := tar.NewWriter(&out)
	seen := map[string]bool{}

	for _, f := range files {
		var dirs []string
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
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
			Typeflag: tar.TypeReg, Name: f.Path, Mode: f.Mode, Size: int64(len(f.Content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}); err != nil {
			return nil, fmt.Errorf("cannot pack %s: %w", f.Path, err)
		}

		if _, err := w.Write(f.Content); err != nil {
			return nil, fmt.Errorf("cannot pack %s: %w", f.Path, err)
		}
	}

	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("cannot pack a layer: %w", err)
	}

	return out.Bytes(), nil
}
