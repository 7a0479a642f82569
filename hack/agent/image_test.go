package main

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/hack/image"
)

// written plays a compiler: a program is its own name.
func written(_ context.Context, arch, source string) ([]byte, error) {
	return []byte(source + " for " + arch), nil
}

func composed(t *testing.T) (v1.ImageIndex, artefacts) {
	t.Helper()

	index, made, err := compose(t.Context(), written, []byte("zip"))
	if err != nil {
		t.Fatal(err)
	}

	return index, made
}

// unpack is what a platform's image holds, with each file's mode and owner.
func unpack(t *testing.T, i v1.Image) map[string]tar.Header {
	t.Helper()

	layers, err := i.Layers()
	if err != nil {
		t.Fatal(err)
	}

	out := map[string]tar.Header{}

	for _, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}

		for packed := tar.NewReader(r); ; {
			h, err := packed.Next()
			if errors.Is(err, io.EOF) {
				break
			}

			if err != nil {
				t.Fatal(err)
			}

			out[h.Name] = *h
		}

		_ = r.Close()
	}

	return out
}

// TestImage holds what is in the image of each platform, and who runs it.
func TestImage(t *testing.T) {
	index, _ := composed(t)

	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}

	everywhere := map[string]int64{
		"etc/": 0o755, "etc/passwd": 0o644, "etc/group": 0o644, "etc/ssl/": 0o755, "etc/ssl/certs/": 0o755,
		"etc/ssl/certs/ca-certificates.crt": 0o644, "studio-agent": 0o755,
	}
	elsewhere := map[string]int64{"artefacts/": 0o755, "artefacts/node-daemon": 0o755, "artefacts/model-fetcher": 0o755, "artefacts/lambda.zip": 0o644}

	var architectures []string

	for _, d := range m.Manifests {
		architectures = append(architectures, d.Platform.OS+"/"+d.Platform.Architecture)

		i, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}

		want := map[string]int64{}
		for _, files := range []map[string]int64{everywhere, elsewhere} {
			for name, mode := range files {
				if _, ours := everywhere[name]; ours || d.Platform.Architecture == "amd64" {
					want[name] = mode
				}
			}
		}

		got := map[string]int64{}

		for name, h := range unpack(t, i) {
			got[name] = h.Mode

			if h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != 0 {
				t.Errorf("%s is root's, and as old as time: got %d:%d, %s", name, h.Uid, h.Gid, h.ModTime)
			}
		}

		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: files: -want, +got:\n%s", d.Platform.Architecture, diff)
		}

		c, err := i.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}

		if c.Config.User != "65532:65532" || !cmp.Equal(c.Config.Entrypoint, []string{"/studio-agent"}) || c.Architecture != d.Platform.Architecture || c.Created.Unix() != 0 {
			t.Errorf("It runs as nobody: got %+v", c.Config)
		}
	}

	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, architectures); diff != "" {
		t.Errorf("platforms: -want, +got:\n%s", diff)
	}
}

// TestMirror holds that the build of the mirror finds each artefact where the image
// has it.
func TestMirror(t *testing.T) {
	script, err := os.ReadFile("../../functions/compose-comfyui/recipe/agent/make.sh")
	if err != nil {
		t.Fatal(err)
	}

	_, made := composed(t)
	for at := range made {
		if !strings.Contains(string(script), "\ncopy "+shortName(at)+" ") || at != "artefacts/"+shortName(at) {
			t.Errorf("%s is in the image, and the mirror's build does not take it out", at)
		}
	}

	if got := strings.Count(string(script), "\ncopy "); got != len(made) {
		t.Errorf("The mirror's build takes %d files out of an image that has %d", got, len(made))
	}
}

// TestReproducible builds a program in two places, and holds that it is one that
// needs nothing of its system.
func TestReproducible(t *testing.T) {
	one, other := t.TempDir(), filepath.Join(t.TempDir(), "another", "place")
	if err := errors.Join(image.Copy(one, "../..", sources()...), image.Copy(other, one, sources()...)); err != nil {
		t.Fatal(err)
	}

	a, err := image.Program(t.Context(), one, "arm64", programs()[0].source)
	if err != nil {
		t.Fatal(err)
	}

	b, err := image.Program(t.Context(), other, "arm64", programs()[0].source)
	if err != nil {
		t.Fatal(err)
	}

	if !bytes.Equal(a, b) {
		t.Error("The same source makes the same program.")
	}

	e, err := elf.NewFile(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}

	if libraries, err := e.ImportedLibraries(); e.Machine != elf.EM_AARCH64 || err != nil || len(libraries) > 0 {
		t.Errorf("A static program for arm64: got %s with %v, %v", e.Machine, libraries, err)
	}
}

// TestPush holds that what a registry has is what was made, and that the release
// says so in both of its forms.
func TestPush(t *testing.T) {
	h := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer h.Close()

	index, made := composed(t)
	repository := strings.TrimPrefix(h.URL, "http://") + "/team/studio-agent"

	if err := push(t.Context(), repository, index); err != nil {
		t.Fatal(err)
	}

	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}

	ref, err := name.NewDigest(repository + "@" + digest.String())
	if err != nil {
		t.Fatal(err)
	}

	if _, err := remote.Index(ref); err != nil {
		t.Errorf("It is there by its digest: %v", err)
	}

	r := release{repository, digest.String(), sum(made[nodeDaemon]), sum(made[lambdaZip]), sum(made[modelFetcher])}
	dir := t.TempDir()

	if err := r.write(filepath.Join(dir, "release.yaml"), filepath.Join(dir, "released.go")); err != nil {
		t.Fatal(err)
	}

	described := release{}

	b, err := os.ReadFile(filepath.Join(dir, "release.yaml"))
	if err != nil || yaml.UnmarshalStrict(b, &described) != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(r, described); diff != "" {
		t.Errorf("release: -want, +got:\n%s", diff)
	}

	code, err := os.ReadFile(filepath.Join(dir, "released.go"))
	if err != nil || !strings.Contains(string(code), `"`+r.ModelFetcherSHA256+`"`) {
		t.Errorf("The function is made with it: got %s, %v", code, err)
	}
}
