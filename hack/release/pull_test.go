package main

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	ours "github.com/comfyui-studio/comfyui-studio/hack/image"
)

// made is an image of layers, of which the one with package.yaml is the package.
func made(t *testing.T, entrypoint bool, annotated bool, layers ...[]ours.File) v1.Image {
	t.Helper()

	i := empty.Image

	for _, files := range layers {
		l, err := ours.Layer(files, types.DockerLayer)
		if err != nil {
			t.Fatal(err)
		}

		a := mutate.Addendum{Layer: l}
		if annotated && files[0].Path == "package.yaml" {
			a.Annotations = map[string]string{"io.crossplane.xpkg": "base"}
		}

		if i, err = mutate.Append(i, a); err != nil {
			t.Fatal(err)
		}
	}

	if !entrypoint {
		return i
	}

	i, err := ours.Configure(i, "amd64", "function", "test")
	if err != nil {
		t.Fatal(err)
	}

	return i
}

// pulledBack is an image as a registry gives it back.
func pulledBack(t *testing.T, i v1.Image) v1.Image {
	t.Helper()

	h := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(h.Close)

	tag, err := name.NewTag(strings.TrimPrefix(h.URL, "http://") + "/team/package:v1")
	if err != nil {
		t.Fatal(err)
	}

	if err := remote.Write(tag, i); err != nil {
		t.Fatal(err)
	}

	back, err := remote.Image(tag)
	if err != nil {
		t.Fatal(err)
	}

	return back
}

// TestImage holds what a package is refused for, after it was pulled.
func TestImage(t *testing.T) {
	manifest := []ours.File{{Path: "package.yaml", Mode: 0o644, Content: []byte("kind: Configuration")}}
	system := ours.System()
	script := []ours.File{{Path: "function", Mode: 0o755, Content: []byte(strings.Repeat("#!/bin/sh\n", 100))}}

	old, err := mutate.Time(made(t, false, true, manifest), time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}

	cases := map[string]struct {
		reason string
		image  v1.Image
		arch   string
		want   string
	}{
		"Configuration": {"Its manifest, and nothing that runs.", made(t, false, true, manifest), "", ""},
		"NoAnnotation":  {"Crossplane would search all layers.", made(t, false, false, manifest), "", "layer 0 has 1 files and the annotations"},
		"NoPackage":     {"There is nothing to install.", made(t, true, true, system), "amd64", "layer 0 has"},
		"Between":       {"The manifest is not the last layer.", made(t, false, true, manifest, system), "", "layer 0 has 1 files"},
		"Beside":        {"The manifest is not alone.", made(t, false, true, append(manifest[:1:1], system...)), "", "layer 0 has"},
		"Runs":          {"A Configuration runs nothing.", made(t, true, true, manifest), "", "a Configuration runs nothing"},
		"Elsewhere":     {"The index says another platform than the image.", made(t, true, true, system, manifest), "arm64", "on linux/amd64"},
		"Script":        {"There is no shell in the image.", made(t, true, true, script, manifest), "amd64", "its function is no program"},
		"Dated":         {"Another build would be another package.", old, "", "which another build would change"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := image(pulledBack(t, tc.image), tc.arch)
			if (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%s want %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}
