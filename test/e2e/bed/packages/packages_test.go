package packages

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"
)

// image is one whose entrypoint is a file of that mode, if it has one.
func image(t *testing.T, arch string, mode int64, content string) v1.Image {
	t.Helper()

	files := bytes.Buffer{}
	w := tar.NewWriter(&files)

	if mode != 0 {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "function", Mode: mode, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}

		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}

	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	i, err := mutate.AppendLayers(empty.Image, static.NewLayer(files.Bytes(), types.DockerUncompressedLayer))
	if err != nil {
		t.Fatal(err)
	}

	i, err = mutate.ConfigFile(i, &v1.ConfigFile{OS: "linux", Architecture: arch, Config: v1.Config{Entrypoint: []string{"/function"}}})
	if err != nil {
		t.Fatal(err)
	}

	return i
}

// folder has one package of the images.
func folder(t *testing.T, p Package, images ...v1.Image) string {
	t.Helper()

	dir := t.TempDir()

	for n, i := range images {
		tag, err := name.NewTag(p.Repository + ":" + p.Version)
		if err != nil {
			t.Fatal(err)
		}

		if err := tarball.WriteToFile(filepath.Join(dir, p.Files[n]), tag, i); err != nil {
			t.Fatal(err)
		}
	}

	b, err := yaml.Marshal([]Package{p})
	if err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(dir, ListFile), b, 0o600); err != nil {
		t.Fatal(err)
	}

	return dir
}

func serve(t *testing.T) *Registry {
	t.Helper()

	r, err := Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})

	return r
}

// announced is what a registry will call images of a folder.
func announced(t *testing.T, dir string, p Package) string {
	t.Helper()

	images, err := p.images(dir)
	if err != nil {
		t.Fatal(err)
	}

	index, err := indexOf(images)
	if err != nil {
		t.Fatal(err)
	}

	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}

	return digest.String()
}

// TestAdd holds that a registry has a package under the path and the digest that
// were announced, and refuses one that is another.
func TestAdd(t *testing.T) {
	p := Package{Repository: "registry.example.com/team/function", Version: "v1.2.3", Files: []string{"a.xpkg", "b.xpkg"}}
	images := []v1.Image{image(t, "amd64", 0o755, "one"), image(t, "arm64", 0o755, "other")}
	p.Digest = announced(t, folder(t, p, images...), p)

	r := serve(t)
	if _, err := r.Add(t.Context(), folder(t, p, images...)); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff([]string{"registry.example.com"}, r.Hosts()); diff != "" {
		t.Errorf("Hosts(): -want, +got:\n%s", diff)
	}

	tag, err := name.NewTag(r.Address() + "/team/function:v1.2.3")
	if err != nil {
		t.Fatal(err)
	}

	d, err := remote.Head(tag)
	if err != nil || d.Digest.String() != p.Digest {
		t.Errorf("It is there by its tag: want %s, got %v, %v", p.Digest, d, err)
	}

	other := folder(t, p, images[1], images[0])
	if _, err := r.Add(t.Context(), other); err == nil || !strings.Contains(err.Error(), "it was announced as "+p.Digest) {
		t.Errorf("Another package than the announced one: got %v", err)
	}
}

// TestProgram holds that what runs is what a container of the image would run.
func TestProgram(t *testing.T) {
	elsewhere := "s390x"

	cases := map[string]struct {
		reason string
		image  v1.Image
		want   string
		err    string
	}{
		"Program":    {"The file of the entrypoint.", image(t, runtime.GOARCH, 0o755, "program"), "program", ""},
		"NoFile":     {"A container would not start.", image(t, runtime.GOARCH, 0, ""), "", "it has no file function"},
		"NotForUse":  {"A container would be refused.", image(t, runtime.GOARCH, 0o644, "program"), "", "nobody may run"},
		"OtherPlace": {"An image for another machine.", image(t, elsewhere, 0o755, "program"), "", "it is for linux/" + elsewhere},
	}

	r := serve(t)

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			reference := r.Address() + "/team/" + strings.ToLower(name) + ":v1"
			push(t, reference, tc.image)

			got, err := Program(context.Background(), reference)
			if string(got) != tc.want || (err == nil) != (tc.err == "") || (err != nil && !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("%s want %q, %q, got %q, %v", tc.reason, tc.want, tc.err, got, err)
			}
		})
	}
}

func push(t *testing.T, reference string, i v1.Image) {
	t.Helper()

	tag, err := name.NewTag(reference)
	if err != nil {
		t.Fatal(err)
	}

	if err := remote.Write(tag, i); err != nil {
		t.Fatal(err)
	}
}
