package main

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"sigs.k8s.io/yaml"
)

// A listed package is one that packages.yaml announces.
type listed struct {
	Repository string   `json:"repository"`
	Version    string   `json:"version"`
	Digest     string   `json:"digest"`
	Files      []string `json:"files"`
}

// pulled checks what the registry has: that each package is the one that was
// announced, whole, and what its layers hold.
func pulled(ctx context.Context, dir, host string) error {
	b, err := os.ReadFile(filepath.Join(dir, "packages.yaml"))
	if err != nil {
		return fmt.Errorf("cannot list the packages: %w", err)
	}

	list := []listed{}
	if err := yaml.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("cannot list the packages: %w", err)
	}

	if len(list) != 2 {
		return fmt.Errorf("a release is a function and a Configuration, and these are %d packages", len(list))
	}

	for _, p := range list {
		if err := p.pulled(ctx, host); err != nil {
			return fmt.Errorf("%s is not what it should be: %w", p.Repository, err)
		}
	}

	return nil
}

func (p listed) pulled(ctx context.Context, host string) error {
	_, path, _ := strings.Cut(p.Repository, "/")

	tag, err := name.NewTag(host + "/" + path + ":" + p.Version)
	if err != nil {
		return err
	}

	d, err := remote.Get(tag, remote.WithContext(ctx))
	if err != nil {
		return err
	}

	if d.Digest.String() != p.Digest {
		return fmt.Errorf("it was announced as %s, and is %s", p.Digest, d.Digest)
	}

	if !d.MediaType.IsIndex() {
		i, err := d.Image()
		if err != nil {
			return err
		}

		return image(i, "")
	}

	index, err := d.ImageIndex()
	if err != nil {
		return err
	}

	m, err := index.IndexManifest()
	if err != nil {
		return err
	}

	var platforms []string

	for _, d := range m.Manifests {
		platforms = append(platforms, d.Platform.String())

		i, err := index.Image(d.Digest)
		if err != nil {
			return err
		}

		if err := image(i, d.Platform.Architecture); err != nil {
			return fmt.Errorf("for %s: %w", d.Platform, err)
		}
	}

	if !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
		return fmt.Errorf("it is for %v", platforms)
	}

	return nil
}

// image checks an image of a platform, or the Configuration's, which has none.
func image(i v1.Image, arch string) error {
	if err := validate.Image(i); err != nil {
		return err
	}

	m, err := i.Manifest()
	if err != nil {
		return err
	}

	for n, d := range m.Layers {
		l, err := i.LayerByDigest(d.Digest)
		if err != nil {
			return err
		}

		files, err := unpack(l)
		if err != nil {
			return err
		}

		// The package is the last layer, and alone in it.
		_, isPackage := files["package.yaml"]
		last := n == len(m.Layers)-1

		if isPackage != last || last && len(files) != 1 || last != (d.Annotations["io.crossplane.xpkg"] == "base") {
			return fmt.Errorf("layer %d has %d files and the annotations %v", n, len(files), d.Annotations)
		}

		if err := program(files, arch); err != nil {
			return err
		}
	}

	return runs(i, arch)
}

// runs checks how the function's image is run.
func runs(i v1.Image, arch string) error {
	c, err := i.ConfigFile()
	if err != nil {
		return err
	}

	if arch == "" {
		if len(c.Config.Entrypoint) > 0 {
			return fmt.Errorf("a Configuration runs nothing, and it runs %q", c.Config.Entrypoint)
		}

		return nil
	}

	if c.Config.User != "65532:65532" || c.OS != "linux" || c.Architecture != arch || !slices.Equal(c.Config.Entrypoint, []string{"/function"}) {
		return fmt.Errorf("it runs %q as %q on %s/%s", c.Config.Entrypoint, c.Config.User, c.OS, c.Architecture)
	}

	return nil
}

// program checks the function in a layer, if it is that layer: a program for the
// platform that needs nothing of its system.
func program(files map[string]file, arch string) error {
	f, ok := files["function"]
	if !ok {
		return nil
	}

	e, err := elf.NewFile(bytes.NewReader(f.content))
	if err != nil {
		return fmt.Errorf("its function is no program: %w", err)
	}

	libraries, err := e.ImportedLibraries()
	if err != nil {
		return err
	}

	want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]
	if e.Machine != want || len(libraries) > 0 || f.mode&0o111 == 0 {
		return fmt.Errorf("its function is for %s, needs %v and has mode %o", e.Machine, libraries, f.mode)
	}

	return nil
}

type file struct {
	mode    int64
	content []byte
}

func unpack(l v1.Layer) (map[string]file, error) {
	r, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()

	out := map[string]file{}

	for files := tar.NewReader(r); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}

		if err != nil {
			return nil, err
		}

		b, err := io.ReadAll(files)
		if err != nil {
			return nil, err
		}

		if h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != 0 {
			return nil, fmt.Errorf("%s is %d:%d's and of %s, which another build would change", h.Name, h.Uid, h.Gid, h.ModTime)
		}

		out[h.Name] = file{h.Mode, b}
	}
}
