package main

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
)

const root = "../.."

// played are programs that nobody compiled.
func played() map[string][]byte {
	return map[string][]byte{"amd64": []byte("a program for amd64"), "arm64": []byte("a program for arm64")}
}

func made(t *testing.T, registry string) (function, configuration pkg) {
	t.Helper()

	all, err := ours(root, registry, "v1.2.3", played())
	if err != nil {
		t.Fatal(err)
	}

	return all[0], all[1]
}

// contents are the files of a layer.
func contents(t *testing.T, l v1.Layer) map[string]string {
	t.Helper()

	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	out := map[string]string{}

	for files := tar.NewReader(r); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out
		}

		if err != nil {
			t.Fatal(err)
		}

		b, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}

		out[h.Name] = string(b)
	}
}

// manifest is what Crossplane reads of an image: the one layer with its annotation.
func manifest(t *testing.T, i v1.Image) []*unstructured.Unstructured {
	t.Helper()

	m, err := i.Manifest()
	if err != nil {
		t.Fatal(err)
	}

	var out []*unstructured.Unstructured

	for _, d := range m.Layers {
		if d.Annotations["io.crossplane.xpkg"] != "base" {
			continue
		}

		l, err := i.LayerByDigest(d.Digest)
		if err != nil {
			t.Fatal(err)
		}

		for decoder := kyaml.NewYAMLOrJSONDecoder(strings.NewReader(contents(t, l)["package.yaml"]), 4096); ; {
			o := &unstructured.Unstructured{}
			if err := decoder.Decode(&o.Object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}

			out = append(out, o)
		}
	}

	return out
}

func kindsOf(objects []*unstructured.Unstructured) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.GroupVersionKind().GroupKind().String())
	}

	return out
}

// TestConfiguration holds what a Configuration brings, and that it calls the
// function what the package manager will call it, wherever it is published.
func TestConfiguration(t *testing.T) {
	cases := map[string]struct {
		reason, registry, function string
	}{
		"Ours":    {"The registry that we publish in.", "ghcr.io/comfyui-studio", "comfyui-studio-compose-comfyui"},
		"Mirror":  {"A registry of one's own, with a longer path.", "registry.example.com:5000/team.a/mirror", "team-a-mirror-compose-comfyui"},
		"Account": {"An account's.", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/studios", "studios-compose-comfyui"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, configuration := made(t, tc.registry)
			objects := manifest(t, configuration.images[0])

			want := []string{
				"Configuration.meta.pkg.crossplane.io", "CompositeResourceDefinition.apiextensions.crossplane.io",
				"Composition.apiextensions.crossplane.io", "ManagedResourceActivationPolicy.apiextensions.crossplane.io",
			}
			if diff := cmp.Diff(want, kindsOf(objects)); diff != "" {
				t.Fatalf("%s kinds: -want, +got:\n%s", tc.reason, diff)
			}

			steps, _, err := unstructured.NestedSlice(objects[2].Object, "spec", "pipeline")
			if err != nil || len(steps) != 1 {
				t.Fatal(err)
			}

			ref, _ := steps[0].(map[string]any)["functionRef"].(map[string]any)
			if ref["name"] != tc.function {
				t.Errorf("%s functionRef: want %s, got %v", tc.reason, tc.function, ref["name"])
			}

			want = []string{"Function " + tc.registry + "/compose-comfyui >=v1.2.3"}
			if diff := cmp.Diff(want, dependencies(t, objects[0])[:1]); diff != "" {
				t.Errorf("%s dependsOn: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func dependencies(t *testing.T, configuration *unstructured.Unstructured) []string {
	t.Helper()

	list, _, err := unstructured.NestedSlice(configuration.Object, "spec", "dependsOn")
	if err != nil {
		t.Fatal(err)
	}

	var out []string

	for _, e := range list {
		m, _ := e.(map[string]any)
		text := func(key string) string { s, _ := m[key].(string); return s }
		out = append(out, text("kind")+" "+text("package")+" "+text("version"))
	}

	return out
}

// TestDependencies holds the Configuration to the providers of all that studios are
// composed of, as the activation policy has it, which is generated from the golden
// files, and to no other.
func TestDependencies(t *testing.T) {
	_, configuration := made(t, "ghcr.io/comfyui-studio")

	kinds, err := activated(root)
	if err != nil {
		t.Fatal(err)
	}

	ranges := map[string]string{"provider-helm": ">=v1.3.0, <v2.0.0", "provider-kubernetes": ">=v1.2.1, <v2.0.0"}
	want := sets.New("Function ghcr.io/comfyui-studio/compose-comfyui >=v1.2.3")

	for _, k := range kinds {
		_, group, _ := strings.Cut(k, ".")
		repository := providerOf(group)

		versions, ok := ranges[filepath.Base(repository)]
		if !ok {
			versions = ">=v2.6.0, <v3.0.0"
		}

		want.Insert("Provider " + repository + " " + versions)
	}

	got := dependencies(t, manifest(t, configuration.images[0])[0])
	slices.Sort(got)

	if diff := cmp.Diff(sets.List(want), got); diff != "" {
		t.Errorf("package/configuration/crossplane.yaml: -want, +got:\n%s", diff)
	}
}

// TestFunction holds what a function's image is, for each platform.
func TestFunction(t *testing.T) {
	function, _ := made(t, "ghcr.io/comfyui-studio")

	for n, arch := range platforms() {
		i := function.images[n]

		config, err := i.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}

		if config.OS != "linux" || config.Architecture != arch || config.Config.User != "65532:65532" || !cmp.Equal(config.Config.Entrypoint, []string{"/function"}) {
			t.Errorf("%s: It runs the function as nobody: got %+v", arch, config)
		}

		layers, err := i.Layers()
		if err != nil {
			t.Fatal(err)
		}

		var files []string

		for _, l := range layers {
			for name, content := range contents(t, l) {
				files = append(files, name)

				if name == "function" && content != string(played()[arch]) {
					t.Errorf("%s: got another program: %q", arch, content)
				}
			}
		}

		slices.Sort(files)

		want := []string{"etc/", "etc/group", "etc/passwd", "etc/ssl/", "etc/ssl/certs/", "etc/ssl/certs/ca-certificates.crt", "function", "package.yaml"}
		if diff := cmp.Diff(want, files); diff != "" {
			t.Errorf("%s: files: -want, +got:\n%s", arch, diff)
		}

		if diff := cmp.Diff([]string{"Function.meta.pkg.crossplane.io"}, kindsOf(manifest(t, i))); diff != "" {
			t.Errorf("%s: package: -want, +got:\n%s", arch, diff)
		}
	}
}

// TestFile holds that an .xpkg file says which layer is the package: its layers have
// no annotations, and without the label the CLI would push a package that Crossplane
// has to search for.
func TestFile(t *testing.T) {
	function, configuration := made(t, "ghcr.io/comfyui-studio")
	dir := filepath.Join(t.TempDir(), "out")

	list, err := write(dir, []pkg{function, configuration})
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff([]string{"compose-comfyui-amd64.xpkg", "compose-comfyui-arm64.xpkg"}, list[0].Files); diff != "" {
		t.Errorf("files: -want, +got:\n%s", diff)
	}

	for _, p := range list {
		for _, file := range p.Files {
			i, err := tarball.ImageFromPath(filepath.Join(dir, file), nil)
			if err != nil {
				t.Fatal(err)
			}

			config, err := i.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}

			layers, err := i.Layers()
			if err != nil {
				t.Fatal(err)
			}

			last, err := layers[len(layers)-1].Digest()
			if err != nil {
				t.Fatal(err)
			}

			if got := config.Config.Labels["io.crossplane.xpkg:"+last.String()]; got != "base" {
				t.Errorf("%s: label of the package's layer: want base, got %q", file, got)
			}
		}
	}
}

// TestTwice holds that a difference between two places is noticed.
func TestTwice(t *testing.T) {
	function, configuration := made(t, "ghcr.io/comfyui-studio")
	again, _ := made(t, "ghcr.io/comfyui-studio")

	if err := same([]pkg{function, configuration}, []pkg{again, configuration}); err != nil {
		t.Errorf("The same is the same: %v", err)
	}

	programs := played()
	programs["arm64"] = []byte("another program for arm64")

	other, err := ours(root, "ghcr.io/comfyui-studio", "v1.2.3", programs)
	if err != nil {
		t.Fatal(err)
	}

	if err := same([]pkg{function}, other[:1]); err == nil || !strings.Contains(err.Error(), "compose-comfyui is another package") {
		t.Errorf("Another program is another package: got %v", err)
	}
}

// TestCheck holds what is refused before anything is built.
func TestCheck(t *testing.T) {
	cases := map[string]struct {
		reason string
		flags  flags
		want   string
	}{
		"Good":     {"A release.", flags{Version: "v1.2.3", Registry: "ghcr.io/comfyui-studio"}, ""},
		"Commit":   {"A commit, as Go names them.", flags{Version: "v0.0.0-20261126-0123456789ab", Registry: "ghcr.io/comfyui-studio"}, ""},
		"NoV":      {"Crossplane's own packages all have it.", flags{Version: "1.2.3", Registry: "ghcr.io/comfyui-studio"}, "semantic versions"},
		"Latest":   {"No constraint fits it.", flags{Version: "latest", Registry: "ghcr.io/comfyui-studio"}, "semantic versions"},
		"NoHost":   {"Crossplane wants a whole name.", flags{Version: "v1.2.3", Registry: "comfyui-studio"}, "registry"},
		"UpperHub": {"A registry's paths are in lower case.", flags{Version: "v1.2.3", Registry: "ghcr.io/Team"}, "registry"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := tc.flags.check()
			if got := err == nil; got != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%s: want %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

// TestStandIns holds that each provider that we depend on has a stand-in with the
// kinds that studios use of it, at a version that satisfies us.
func TestStandIns(t *testing.T) {
	standIns, err := standIns(context.Background(), root)
	if err != nil {
		t.Fatal(err)
	}

	got := sets.New[string]()
	kinds := sets.New[string]()

	for _, p := range standIns {
		got.Insert("Provider " + p.repository)

		for _, o := range manifest(t, p.images[0]) {
			if o.GetKind() == "CustomResourceDefinition" {
				kinds.Insert(o.GetName())
			}
		}
	}

	_, configuration := made(t, "ghcr.io/comfyui-studio")
	want := sets.New("Provider " + contrib + "provider-family-aws")

	for _, d := range dependencies(t, manifest(t, configuration.images[0])[0]) {
		if d, ok := strings.CutPrefix(d, "Provider "); ok {
			repository, _, _ := strings.Cut(d, " ")
			want.Insert("Provider " + repository)
		}
	}

	if diff := cmp.Diff(sets.List(want), sets.List(got)); diff != "" {
		t.Errorf("providers: -want, +got:\n%s", diff)
	}

	used, err := activated(root)
	if err != nil {
		t.Fatal(err)
	}

	if missing := sets.New(used...).Difference(kinds); len(missing) > 0 {
		t.Errorf("kinds that no stand-in has: %v", sets.List(missing))
	}
}

// TestSources holds that all that our packages are made of is copied, so that a
// build in another place is one of the same.
func TestSources(t *testing.T) {
	for _, name := range sources() {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
}
