package bed

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// aFunction is an installed function, but for what the package manager does:
// with the External runtime nobody else tells the core the endpoint, and
// paused the package manager leaves both objects alone. The Function keeps the
// core from closing its connection every ten minutes.
const aFunction = `
apiVersion: pkg.crossplane.io/v1
kind: Function
metadata:
  name: %[1]s
  annotations:
    crossplane.io/paused: "true"
spec:
  package: registry.local/bed/%[1]s:v0.0.0
---
apiVersion: pkg.crossplane.io/v1
kind: FunctionRevision
metadata:
  name: %[1]s-bed
  labels:
    pkg.crossplane.io/package: %[1]s
  annotations:
    crossplane.io/paused: "true"
spec:
  image: registry.local/bed/%[1]s:v0.0.0
  desiredState: Active
  revision: 1
`

// installAPIs installs the XRD, the composition and the function it names, and
// waits until the core offers them.
func (b *Bed) installAPIs(ctx context.Context) error {
	compositions, err := b.applyFile(ctx, compositionFile)
	if err != nil {
		return err
	}

	for _, name := range functionNames(compositions) {
		if err := b.installFunction(ctx, name); err != nil {
			return err
		}
	}

	definitions, err := b.applyFile(ctx, definitionFile)
	if err != nil {
		return err
	}

	crds := []*unstructured.Unstructured{}

	for _, xrd := range definitions {
		if err := b.Await(ctx, xrd.GroupVersionKind(), "", xrd.GetName(), time.Minute, HasCondition("Established")); err != nil {
			return err
		}

		crds = append(crds, xrd) // The CRD has the XRD's name.
	}

	return b.awaitServed(ctx, crds)
}

func (b *Bed) applyFile(ctx context.Context, name string) ([]*unstructured.Unstructured, error) {
	data, err := os.ReadFile(filepath.Join(b.o.APIs, name))
	if err != nil {
		return nil, fmt.Errorf("cannot read the API: %w", err)
	}

	return b.Apply(ctx, string(data))
}

func functionNames(compositions []*unstructured.Unstructured) []string {
	names := []string{}

	for _, c := range compositions {
		steps, _, _ := unstructured.NestedSlice(c.Object, "spec", "pipeline")
		for _, s := range steps {
			if step, ok := s.(map[string]any); ok {
				if name, _, _ := unstructured.NestedString(step, "functionRef", "name"); name != "" {
					names = append(names, name)
				}
			}
		}
	}

	return names
}

func (b *Bed) installFunction(ctx context.Context, name string) error {
	objs, err := b.Apply(ctx, fmt.Sprintf(aFunction, name))
	if err != nil {
		return err
	}

	status, err := json.Marshal(map[string]any{"status": map[string]any{
		"endpoint":     "dns:///" + b.functionEndpoint(),
		"capabilities": []string{"composition"},
	}})
	if err != nil {
		return err
	}

	rev := objs[len(objs)-1]

	r, err := b.Resource(rev.GroupVersionKind(), "")
	if err != nil {
		return err
	}

	if _, err := r.Patch(ctx, rev.GetName(), types.MergePatchType, status, metav1.PatchOptions{FieldManager: Manager}, "status"); err != nil {
		return fmt.Errorf("cannot set the endpoint of function %s: %w", name, err)
	}

	return nil
}
