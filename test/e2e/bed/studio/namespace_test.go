package studio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var (
	clusterUsageKind = schema.GroupVersionKind{Group: "protection.crossplane.io", Version: "v1beta1", Kind: "ClusterUsage"}
	usageKind        = schema.GroupVersionKind{Group: "protection.crossplane.io", Version: "v1beta1", Kind: "Usage"}
)

// terminating is how Kubernetes refuses what is new in a namespace that ends.
const terminating = "because it is being terminated"

// TestNamespaceHeld holds a namespace with a ClusterUsage, as docs/runbooks/delete.md
// says. It cannot be deleted while that is there, and then goes.
func TestNamespaceHeld(t *testing.T) {
	s := studioIn(t, "held", "")

	usage := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"of":     map[string]any{"apiVersion": "v1", "kind": "Namespace", "resourceRef": map[string]any{"name": s.namespace}},
		"reason": "delete the studios in it first",
	}}}
	usage.SetGroupVersionKind(clusterUsageKind)
	usage.SetName("namespace-" + s.namespace)

	if _, err := shared.ApplyObject(t.Context(), usage); err != nil {
		t.Fatal(err)
	}

	awaitCluster(t, namespaceKind, s.namespace, func(o *unstructured.Unstructured) error {
		if o.GetLabels()["crossplane.io/in-use"] != "true" {
			return errors.New("is not held")
		}

		return nil
	})

	if err := deleteNamespace(t, s.namespace); err == nil || !strings.Contains(err.Error(), "delete the studios in it first") {
		t.Errorf("the namespace is held, and Delete(...) says %v", err)
	}

	remove(t, clusterUsageKind, "", usage.GetName())
	awaitCluster(t, clusterUsageKind, usage.GetName(), gone)

	if err := deleteNamespace(t, s.namespace); err != nil {
		t.Errorf("nothing holds the namespace any more, and Delete(...) says %v", err)
	}

	awaitCluster(t, namespaceKind, s.namespace, gone)
}

// TestNamespaceDeleted deletes the namespace of a Ready studio, which one should
// not. Kubernetes lets nothing new into a namespace that ends, and providers write
// a ProviderConfigUsage there before every look at AWS: all of them are shut out,
// and everything stays. What docs/runbooks/delete.md says then takes it away from
// another namespace.
func TestNamespaceDeleted(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(small(nil))
	s.awaitReady()

	before, buckets := s.composed(), bucketIDs(s.left())

	shared.Cloud().ResetCalls()

	if err := deleteNamespace(t, s.namespace); err != nil {
		t.Fatal(err)
	}

	s.await(gone)

	// Everything that has come to its turn is refused.
	for _, key := range []string{"workload-servers-default", "edge-listener", "modelsync-event-source"} {
		o := before[key]
		s.claim().AwaitObject(o.GroupVersionKind(), o.GetName(), func(o *unstructured.Unstructured) error {
			if c := conditionOf(o, "Synced"); c["status"] != "False" || !strings.Contains(fmt.Sprint(c["message"]), terminating) {
				return fmt.Errorf("is not refused: %v", c)
			}

			return nil
		})
	}

	for _, c := range s.calls() {
		if c.Delete > 0 {
			t.Errorf("AWS was asked to delete %s %s; want nothing", c.Kind, c.Name)
		}
	}

	s.cleanUp(before)
	awaitCluster(t, namespaceKind, s.namespace, gone)
	s.leavesOnlyBuckets(buckets)
}

// cleanUp does what the runbook says: it takes what is left to another namespace
// and deletes it there.
func (s studio) cleanUp(before map[string]*unstructured.Unstructured) {
	s.t.Helper()

	there := studioIn(s.t, s.namespace+"-cleanup", "")

	var copies []*unstructured.Unstructured

	for _, o := range before {
		now := s.claim().Find(o.GroupVersionKind(), o.GetName())

		switch {
		case o.GetKind() == "ProviderConfig":
			// What says where the kubeconfig lies, written anew.
			p := copyTo(o, there.namespace)
			if err := unstructured.SetNestedField(p.Object, there.namespace, "spec", "credentials", "secretRef", "namespace"); err != nil {
				s.t.Fatal(err)
			}

			there.make(p)
		case now != nil && isManaged(now):
			copies = append(copies, copyTo(now, there.namespace))
		}
	}

	s.forget(before)

	for _, o := range copies {
		there.make(o)
	}

	// What takes its value from a Secret has lost it, and says so until it is deleted.
	for _, o := range copies {
		if o.GetKind() == "Parameter" {
			continue
		}

		there.claim().AwaitObject(o.GroupVersionKind(), o.GetName(), func(o *unstructured.Unstructured) error {
			if c := conditionOf(o, "Synced"); c["status"] != "True" {
				return fmt.Errorf("is not synced: %v", c)
			}

			return nil
		})
	}

	for _, kinds := range [][]string{{"Object"}, {"Release"}, {"Distribution", "NodeGroup"}, {"VPCOrigin", "Cluster"}, {}} {
		there.deleteKinds(copies, kinds)
	}

	if left := there.left(); len(left) > 0 {
		s.t.Errorf("left in AWS: %v", left)
	}
}

// deleteKinds deletes what is of the kinds, or everything, and waits for it.
func (s studio) deleteKinds(all []*unstructured.Unstructured, kinds []string) {
	s.t.Helper()

	var chosen []*unstructured.Unstructured

	for _, o := range all {
		if len(kinds) == 0 || slices.Contains(kinds, o.GetKind()) {
			chosen = append(chosen, o)
			remove(s.t, o.GroupVersionKind(), s.namespace, o.GetName())
		}
	}

	for _, o := range chosen {
		s.claim().AwaitObject(o.GroupVersionKind(), o.GetName(), gone)
	}
}

// isManaged says whether a provider looks after an object.
func isManaged(o *unstructured.Unstructured) bool {
	return isAWS(o) || o.GetKind() == "Object" || o.GetKind() == "Release"
}

func isAWS(o *unstructured.Unstructured) bool {
	return strings.HasSuffix(o.GroupVersionKind().Group, ".aws.m.upbound.io")
}

// copyTo is an object as a person would take it to another namespace: what it is
// and what it is called in AWS, and nothing that the API server wrote.
func copyTo(o *unstructured.Unstructured, namespace string) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: map[string]any{"spec": o.DeepCopy().Object["spec"]}}
	out.SetGroupVersionKind(o.GroupVersionKind())
	out.SetNamespace(namespace)
	out.SetName(o.GetName())
	out.SetAnnotations(o.GetAnnotations())

	return out
}

func (s studio) make(o *unstructured.Unstructured) *unstructured.Unstructured {
	s.t.Helper()

	made, err := shared.ApplyObject(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}

	return made
}

func deleteNamespace(t *testing.T, name string) error {
	t.Helper()

	r, err := shared.Resource(namespaceKind, "")
	if err != nil {
		t.Fatal(err)
	}

	return r.Delete(t.Context(), name, metav1.DeleteOptions{})
}

func remove(t *testing.T, gvk schema.GroupVersionKind, namespace, name string) {
	t.Helper()

	r, err := shared.Resource(gvk, namespace)
	if err != nil {
		t.Fatal(err)
	}

	if err := r.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
}

// forget takes objects out of the management cluster and has nobody look after what
// they stand for. Usages go first, since they keep others. The finalizers go last:
// what is not being deleted gets them again.
func (s studio) forget(all map[string]*unstructured.Unstructured) {
	s.t.Helper()

	for _, usages := range []bool{true, false} {
		for _, o := range all {
			if usages != (o.GroupVersionKind() == usageKind) {
				continue
			}

			remove(s.t, o.GroupVersionKind(), s.namespace, o.GetName())

			patch := []byte(`{"metadata":{"finalizers":null}}`)

			_, err := s.claim().Client(o.GroupVersionKind()).Patch(s.t.Context(), o.GetName(), types.MergePatchType, patch, metav1.PatchOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				s.t.Fatal(err)
			}
		}
	}
}

// awaitCluster waits for what belongs to no namespace.
func awaitCluster(t *testing.T, gvk schema.GroupVersionKind, name string, satisfies func(*unstructured.Unstructured) error) {
	t.Helper()

	if err := shared.Await(t.Context(), gvk, "", name, patience, satisfies); err != nil {
		t.Fatal(err)
	}
}
