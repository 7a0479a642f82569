// Package claim is a ComfyUIStudio in a test on a bed: it is applied, looked at,
// waited for and deleted as a person would. What goes wrong ends the test, with
// what a person would look at.
package claim

import (
	"maps"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// Kind is that of claims.
func Kind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "aws.comfyui-studio.io", Version: "v1alpha1", Kind: "ComfyUIStudio"}
}

// NamespaceKind is that of namespaces.
func NamespaceKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
}

// KeyAnnotation holds a composed resource's key.
const KeyAnnotation = "crossplane.io/composition-resource-name"

// A Claim is one claim in a test.
type Claim struct {
	T         *testing.T
	Bed       *bed.Bed
	Namespace string
	Name      string
	// Patience bounds every wait. It is far above what anything takes.
	Patience time.Duration
}

// MakeNamespace makes the claim's namespace, or finds it there.
func (c Claim) MakeNamespace() {
	c.T.Helper()

	ns := &unstructured.Unstructured{}
	ns.SetGroupVersionKind(NamespaceKind())
	ns.SetName(c.Namespace)

	if _, err := c.Bed.ApplyObject(c.T.Context(), ns); err != nil {
		c.T.Fatal(err)
	}
}

// Apply applies the claim with the given spec beside a region.
func (c Claim) Apply(spec map[string]any) error {
	all := map[string]any{"region": "ap-northeast-1"}
	maps.Copy(all, spec)

	o := &unstructured.Unstructured{Object: map[string]any{"spec": all}}
	o.SetGroupVersionKind(Kind())
	o.SetNamespace(c.Namespace)
	o.SetName(c.Name)

	_, err := c.Bed.ApplyObject(c.T.Context(), o)

	return err
}

// Client is for a kind in the claim's namespace.
func (c Claim) Client(gvk schema.GroupVersionKind) dynamic.ResourceInterface {
	c.T.Helper()

	r, err := c.Bed.Resource(gvk, c.Namespace)
	if err != nil {
		c.T.Fatal(err)
	}

	return r
}

// Get is the claim as it is, or nil. A namespace without one has no name for it.
func (c Claim) Get() *unstructured.Unstructured {
	c.T.Helper()

	if c.Name == "" {
		return nil
	}

	return c.Find(Kind(), c.Name)
}

// moment bounds a look at what is there: an API server may be restarting.
const moment = time.Minute

// Find is an object of the claim's namespace, or nil where there is none. What cannot
// be looked at is not taken for absent.
func (c Claim) Find(gvk schema.GroupVersionKind, name string) *unstructured.Unstructured {
	c.T.Helper()

	var out *unstructured.Unstructured

	err := c.Bed.Await(c.T.Context(), gvk, c.Namespace, name, moment, func(o *unstructured.Unstructured) error {
		out = o

		return nil
	})
	if err != nil {
		c.T.Fatalf("cannot look at %s %s: %v", gvk.Kind, name, err)
	}

	return out
}

// Composed are the claim's composed resources by key.
func (c Claim) Composed() map[string]*unstructured.Unstructured {
	c.T.Helper()

	out := map[string]*unstructured.Unstructured{}

	o := c.Get()
	if o == nil {
		return out
	}

	refs, _, _ := unstructured.NestedSlice(o.Object, "spec", "crossplane", "resourceRefs")
	for _, r := range refs {
		u := unstructured.Unstructured{}
		u.Object, _ = r.(map[string]any)
		name, _, _ := unstructured.NestedString(u.Object, "name")

		if o := c.Find(u.GroupVersionKind(), name); o != nil {
			out[o.GetAnnotations()[KeyAnnotation]] = o
		}
	}

	return out
}

// Left is what exists in AWS of the claim's namespace.
func (c Claim) Left() []cloud.Entry {
	var out []cloud.Entry

	for _, e := range c.Bed.Cloud().Ledger().Left() {
		if e.Namespace == c.Namespace {
			out = append(out, e)
		}
	}

	return out
}

// Delete deletes the claim and does not wait.
func (c Claim) Delete(p metav1.DeletionPropagation) {
	c.T.Helper()

	if err := c.Client(Kind()).Delete(c.T.Context(), c.Name, metav1.DeleteOptions{PropagationPolicy: &p}); err != nil {
		c.T.Fatal(err)
	}
}
