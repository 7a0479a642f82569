package whole

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
)

var (
	studioKind    = schema.GroupVersionKind{Group: "aws.comfyui-studio.io", Version: "v1alpha1", Kind: "ComfyUIStudio"}
	namespaceKind = schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	secretKind    = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
)

// keyAnnotation holds a composed resource's key.
const keyAnnotation = "crossplane.io/composition-resource-name"

// studio is one claim in a test.
type studio struct {
	t         *testing.T
	namespace string
	name      string
}

// in is the same studio in a part of a test.
func (s studio) in(t *testing.T) studio {
	t.Helper()

	s.t = t

	return s
}

// example applies an example, into a namespace of its own. Changes are made to
// its spec before.
func example(t *testing.T, namespace, file string, change func(spec map[string]any)) studio {
	t.Helper()

	root, err := bed.FindRoot()
	if err != nil {
		t.Fatal(err)
	}

	text, err := os.ReadFile(filepath.Join(root, "examples", file))
	if err != nil {
		t.Fatal(err)
	}

	s := studio{t: t, namespace: namespace}

	ns := &unstructured.Unstructured{}
	ns.SetGroupVersionKind(namespaceKind)
	ns.SetName(namespace)
	s.must(shared.ApplyObject(t.Context(), ns))

	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)

	for {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
			return s
		} else if err != nil {
			t.Fatal(err)
		}

		o.SetNamespace(namespace)

		if o.GetKind() == studioKind.Kind {
			s.name = o.GetName()

			if change != nil {
				change(o.Object["spec"].(map[string]any))
			}
		}

		s.must(shared.ApplyObject(t.Context(), o))
	}
}

func (s studio) must(_ *unstructured.Unstructured, err error) {
	s.t.Helper()

	if err != nil {
		s.t.Fatal(err)
	}
}

// client is for the kind in the studio's namespace.
func (s studio) client(gvk schema.GroupVersionKind) interface {
	Get(ctx context.Context, name string, options metav1.GetOptions, subresources ...string) (*unstructured.Unstructured, error)
	Update(ctx context.Context, obj *unstructured.Unstructured, options metav1.UpdateOptions, subresources ...string) (*unstructured.Unstructured, error)
	Delete(ctx context.Context, name string, options metav1.DeleteOptions, subresources ...string) error
	List(ctx context.Context, opts metav1.ListOptions) (*unstructured.UnstructuredList, error)
} {
	s.t.Helper()

	r, err := shared.Resource(gvk, s.namespace)
	if err != nil {
		s.t.Fatal(err)
	}

	return r
}

// get is the claim as it is, or nil.
func (s studio) get() *unstructured.Unstructured {
	s.t.Helper()

	o, err := s.client(studioKind).Get(s.t.Context(), s.name, metav1.GetOptions{})
	if err != nil {
		return nil
	}

	return o
}

// change changes the claim's spec as a person would.
func (s studio) change(change func(spec map[string]any)) {
	s.t.Helper()

	for range 20 {
		o := s.get()
		if o == nil {
			s.t.Fatal("there is no claim to change")
		}

		change(o.Object["spec"].(map[string]any))

		if _, err := s.client(studioKind).Update(s.t.Context(), o, metav1.UpdateOptions{}); err == nil {
			return
		} else if !strings.Contains(err.Error(), "the object has been modified") {
			s.t.Fatal(err)
		}
	}

	s.t.Fatal("the claim changes faster than one can write it")
}

// await waits until the claim satisfies.
func (s studio) await(satisfies func(*unstructured.Unstructured) error) {
	s.t.Helper()

	if err := shared.Await(s.t.Context(), studioKind, s.namespace, s.name, patience, satisfies); err != nil {
		s.t.Fatalf("%v\n%s", err, s.report())
	}
}

// awaitReady waits until the claim is Ready for what it says now.
func (s studio) awaitReady() {
	s.t.Helper()
	s.await(ready)
}

func ready(o *unstructured.Unstructured) error {
	if err := bed.HasCondition("Ready")(o); err != nil {
		return err
	}

	c := conditionOf(o, "Synced")
	if c["status"] != "True" || c["observedGeneration"] != nil && c["observedGeneration"] != o.GetGeneration() {
		return fmt.Errorf("is not Synced for generation %d: %v", o.GetGeneration(), c)
	}

	return nil
}

// says waits until a condition has a status and its reason and message hold
// certain words.
func (s studio) says(conditionType, status string, words ...string) {
	s.t.Helper()

	s.await(func(o *unstructured.Unstructured) error {
		c := conditionOf(o, conditionType)
		if c["status"] != status {
			return fmt.Errorf("%s is %v, want %s: %v %v", conditionType, c["status"], status, c["reason"], c["message"])
		}

		said := fmt.Sprint(c["reason"], " ", c["message"])
		for _, w := range words {
			if !strings.Contains(said, w) {
				return fmt.Errorf("%s says %q, want %q in it", conditionType, said, w)
			}
		}

		return nil
	})
}

// isReady checks that the claim is Ready now.
func (s studio) isReady() {
	s.t.Helper()

	if c := conditionOf(s.get(), "Ready"); c["status"] != "True" {
		s.t.Errorf("a studio that was Ready is not: %v %v", c["reason"], c["message"])
	}
}

// composed are the claim's composed resources by key.
func (s studio) composed() map[string]*unstructured.Unstructured {
	s.t.Helper()

	out := map[string]*unstructured.Unstructured{}

	o := s.get()
	if o == nil {
		return out
	}

	refs, _, _ := unstructured.NestedSlice(o.Object, "spec", "crossplane", "resourceRefs")
	for _, r := range refs {
		ref := r.(map[string]any)
		gvk := schema.FromAPIVersionAndKind(ref["apiVersion"].(string), ref["kind"].(string))

		c, err := s.client(gvk).Get(s.t.Context(), ref["name"].(string), metav1.GetOptions{})
		if err != nil {
			continue
		}

		out[c.GetAnnotations()[keyAnnotation]] = c
	}

	return out
}

// uids are those of the claim's composed resources.
func (s studio) uids() map[string]string {
	s.t.Helper()

	out := map[string]string{}
	for k, o := range s.composed() {
		out[k] = string(o.GetUID())
	}

	return out
}

// same checks that what was there before is there still, and was not made anew.
func (s studio) same(before map[string]string, but ...string) {
	s.t.Helper()

	now := s.uids()

	for k, uid := range before {
		if now[k] == uid || contains(but, k) {
			continue
		}

		s.t.Errorf("%s was deleted or made anew", k)
	}
}

func contains(parts []string, s string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}

	return false
}

// report is what a person would look at when a studio is stuck.
func (s studio) report() string {
	b := &strings.Builder{}

	if o := s.get(); o != nil {
		conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
		for _, c := range conditions {
			m := c.(map[string]any)
			fmt.Fprintf(b, "%v=%v %v %v\n", m["type"], m["status"], m["reason"], m["message"])
		}
	}

	for k, o := range s.composed() {
		for _, is := range []string{"Synced", "Ready"} {
			if c := conditionOf(o, is); c != nil && c["status"] != "True" {
				fmt.Fprintf(b, "%s %s=%v %v %v\n", k, is, c["status"], c["reason"], c["message"])
			}
		}
	}

	for _, e := range s.left() {
		fmt.Fprintf(b, "in AWS: %s %s %s\n", e.Kind, e.Name, e.State)
	}

	return b.String()
}

func conditionOf(o *unstructured.Unstructured, conditionType string) map[string]any {
	if o == nil {
		return nil
	}

	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		if m := c.(map[string]any); m["type"] == conditionType {
			return m
		}
	}

	return nil
}

// pause lets simulated time pass.
func pause(t *testing.T, d time.Duration) {
	t.Helper()

	if err := shared.Cloud().Clock().Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}
