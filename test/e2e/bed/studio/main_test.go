package studio

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// scale is fast: AWS's twenty minutes pass in ten seconds, and what is left is
// the machine's own speed.
const scale = 120

// patience bounds a wait. It is far above what anything takes.
const patience = 8 * time.Minute

// shared is the bed that every test of the package runs on.
var shared *bed.Bed

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	root, err := bed.FindRoot()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	shared, err = bed.Start(ctx, bed.Options{Root: root, Scale: scale, Record: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	defer func() {
		if err := shared.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()

	return m.Run()
}

var (
	studioKind    = schema.GroupVersionKind{Group: "aws.comfyui-studio.io", Version: "v1alpha1", Kind: "ComfyUIStudio"}
	namespaceKind = schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
)

// keyAnnotation holds a composed resource's key.
const keyAnnotation = "crossplane.io/composition-resource-name"

// studio is one claim in a test.
type studio struct {
	t         *testing.T
	namespace string
	name      string
}

// newStudio makes a namespace for a claim called tokyo.
func newStudio(t *testing.T) studio {
	t.Helper()

	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	name = strings.TrimPrefix(name, "test")

	return studioIn(t, name[:min(len(name), 50)], "tokyo")
}

func studioIn(t *testing.T, namespace, name string) studio {
	t.Helper()

	ns := &unstructured.Unstructured{}
	ns.SetGroupVersionKind(namespaceKind)
	ns.SetName(namespace)

	if _, err := shared.ApplyObject(t.Context(), ns); err != nil {
		t.Fatal(err)
	}

	s := studio{t: t, namespace: namespace, name: name}
	t.Cleanup(s.leave)

	return s
}

// leave deletes the claim, if it is there, without waiting: the provider looks at
// what is left all the time, and the tests that follow would wait for that.
func (s studio) leave() {
	r, err := shared.Resource(studioKind, s.namespace)
	if err != nil || s.name == "" {
		return
	}

	background := metav1.DeletePropagationBackground
	_ = r.Delete(context.Background(), s.name, metav1.DeleteOptions{PropagationPolicy: &background})
}

// apply applies the claim with the given spec beside its region.
func (s studio) apply(spec map[string]any) {
	s.t.Helper()

	if err := s.tryApply(spec); err != nil {
		s.t.Fatal(err)
	}
}

func (s studio) tryApply(spec map[string]any) error {
	all := map[string]any{"region": "ap-northeast-1"}
	maps.Copy(all, spec)

	o := &unstructured.Unstructured{Object: map[string]any{"spec": all}}

	o.SetGroupVersionKind(studioKind)
	o.SetNamespace(s.namespace)
	o.SetName(s.name)

	_, err := shared.ApplyObject(s.t.Context(), o)

	return err
}

// get is the claim as it is, or nil.
func (s studio) get() *unstructured.Unstructured {
	s.t.Helper()

	r, err := shared.Resource(studioKind, s.namespace)
	if err != nil {
		s.t.Fatal(err)
	}

	o, err := r.Get(s.t.Context(), s.name, metav1.GetOptions{})
	if err != nil {
		return nil
	}

	return o
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

	s.await(func(o *unstructured.Unstructured) error {
		if c := conditionOf(o, "Ready"); c["status"] != "True" {
			return fmt.Errorf("is not Ready: %v", c["message"])
		}

		if c := conditionOf(o, "Synced"); c["observedGeneration"] != nil && c["observedGeneration"] != o.GetGeneration() {
			return fmt.Errorf("is Ready for generation %v, not %d", c["observedGeneration"], o.GetGeneration())
		}

		return nil
	})
}

// awaitNotReady waits until the claim says that it is not Ready.
func (s studio) awaitNotReady() {
	s.t.Helper()

	s.await(func(o *unstructured.Unstructured) error {
		if c := conditionOf(o, "Ready"); c["status"] != "False" {
			return fmt.Errorf("Ready is %v", c["status"])
		}

		return nil
	})
}

// delete deletes the claim as kubectl does by default, and waits until neither
// it nor anything composed is left in the API server.
func (s studio) delete() {
	s.t.Helper()

	before := s.composed()

	r, err := shared.Resource(studioKind, s.namespace)
	if err != nil {
		s.t.Fatal(err)
	}

	background := metav1.DeletePropagationBackground
	if err := r.Delete(s.t.Context(), s.name, metav1.DeleteOptions{PropagationPolicy: &background}); err != nil {
		s.t.Fatal(err)
	}

	for _, o := range before {
		if err := shared.Await(s.t.Context(), o.GroupVersionKind(), s.namespace, o.GetName(), patience, gone); err != nil {
			s.t.Fatalf("%v\n%s", err, s.report())
		}
	}

	if err := shared.Await(s.t.Context(), studioKind, s.namespace, s.name, patience, gone); err != nil {
		s.t.Fatal(err)
	}
}

func gone(o *unstructured.Unstructured) error {
	if o == nil {
		return nil
	}

	return fmt.Errorf("is still there: %v", conditionOf(o, "Synced")["message"])
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

		client, err := shared.Resource(gvk, s.namespace)
		if err != nil {
			s.t.Fatal(err)
		}

		c, err := client.Get(s.t.Context(), ref["name"].(string), metav1.GetOptions{})
		if err != nil {
			continue
		}

		out[c.GetAnnotations()[keyAnnotation]] = c
	}

	return out
}

// left is what exists in AWS of the claim's namespace.
func (s studio) left() []cloud.Entry {
	var out []cloud.Entry

	for _, e := range shared.Cloud().Ledger().Left() {
		if e.Namespace == s.namespace {
			out = append(out, e)
		}
	}

	return out
}

// calls are the calls to AWS on behalf of the claim's namespace.
func (s studio) calls() []cloud.CallCount {
	var out []cloud.CallCount

	for _, c := range shared.Cloud().Calls() {
		if c.Namespace == s.namespace {
			out = append(out, c)
		}
	}

	return out
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

	for _, e := range s.left() {
		fmt.Fprintf(b, "in AWS: %s %s %s\n", e.Kind, e.Name, e.State)
	}

	for _, c := range s.calls() {
		if c.LastRefusal != "" {
			fmt.Fprintf(b, "refused: %s %s: %s\n", c.Kind, c.Name, c.LastRefusal)
		}
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
