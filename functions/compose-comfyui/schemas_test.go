package main

import (
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/hack/crds"
)

// TestSchemas validates every desired object against the CRD that the provider
// ships, schema and CEL rules, and against what no schema enforces: that it is
// namespaced, since a namespaced claim can compose nothing else.
func TestSchemas(t *testing.T) {
	everyWave(t, func(t *testing.T, _ *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()
		checkSchemas(t, rsp)
	})
}

func checkSchemas(t *testing.T, rsp *fnv1.RunFunctionResponse) {
	t.Helper()

	for _, k := range sortedKeys(rsp.GetDesired().GetResources()) {
		j, err := rsp.GetDesired().GetResources()[k].GetResource().MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}

		o := parse(t, j)

		// Crossplane puts it on everything that a namespaced claim composes.
		o.SetNamespace("art")

		if err := catalogue.Check(t.Context(), o); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
}

// catalogue keeps what was read: a CRD of ec2 takes a while to parse.
var catalogue = crds.NewCatalogue()

func schemaOf(t *testing.T, o *unstructured.Unstructured) crds.Definition {
	t.Helper()

	d, err := catalogue.Definition(t.Context(), o.GroupVersionKind())
	if err != nil {
		t.Fatal(err)
	}

	return d
}
