package main

import (
	"os"
	"sort"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const activationFile = "../../apis/comfyuistudios/activation.yaml"

// TestActivation holds the activation policy to the kinds that studios are made
// of: a management cluster then carries their CRDs and not the provider's other
// nine hundred. `make generate` rewrites the file.
func TestActivation(t *testing.T) {
	kinds := map[string]bool{}

	everyWave(t, func(t *testing.T, _ *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()

		for _, r := range rsp.GetDesired().GetResources() {
			o := &unstructured.Unstructured{Object: r.GetResource().AsMap()}
			group := o.GroupVersionKind().Group

			// Both providers of what runs in the cluster start kinds as they are
			// activated, too. Their configurations are there from the start.
			if strings.HasSuffix(group, ".aws.m.upbound.io") || (strings.HasSuffix(group, ".m.crossplane.io") && o.GetKind() != "ProviderConfig") {
				kinds[schemaOf(t, o).Plural+"."+group] = true
			}
		}
	})

	var activate []string
	for k := range kinds {
		activate = append(activate, k)
	}

	sort.Strings(activate)

	b, err := yaml.Marshal(map[string]any{
		"apiVersion": "apiextensions.crossplane.io/v1alpha1",
		"kind":       "ManagedResourceActivationPolicy",
		"metadata":   map[string]any{"name": "comfyui-studio"},
		"spec":       map[string]any{"activate": activate},
	})
	if err != nil {
		t.Fatal(err)
	}

	want := "# Code generated from what the function composes, by make generate. DO NOT EDIT.\n" + string(b)

	if *update {
		if err := os.WriteFile(activationFile, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}

		return
	}

	got, err := os.ReadFile(activationFile)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is out of date, run make generate: -want, +got:\n%s", activationFile, diff)
	}
}
