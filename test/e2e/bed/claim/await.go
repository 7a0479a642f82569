package claim

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Await waits until the claim satisfies.
func (c Claim) Await(satisfies func(*unstructured.Unstructured) error) {
	c.T.Helper()
	c.AwaitObject(Kind(), c.Name, satisfies)
}

// AwaitObject waits until an object of the claim's namespace satisfies; one that is
// not there is nil.
func (c Claim) AwaitObject(gvk schema.GroupVersionKind, name string, satisfies func(*unstructured.Unstructured) error) {
	c.T.Helper()

	if err := c.Bed.Await(c.T.Context(), gvk, c.Namespace, name, c.Patience, satisfies); err != nil {
		c.T.Fatalf("%v\n%s", err, c.Report())
	}
}

// AwaitReady waits until the claim is Ready for what it says now.
func (c Claim) AwaitReady() {
	c.T.Helper()
	c.Await(Ready)
}

// AwaitGone waits until neither the claim nor what it had composed is there.
func (c Claim) AwaitGone(composed map[string]*unstructured.Unstructured) {
	c.T.Helper()

	if len(composed) == 0 {
		c.T.Fatal("nothing was composed, so nothing can go")
	}

	for k, o := range composed {
		if err := c.Bed.Await(c.T.Context(), o.GroupVersionKind(), c.Namespace, o.GetName(), c.Patience, Gone); err != nil {
			c.T.Fatalf("%s: %v\n%s", k, err, c.report(c.remaining(composed)))
		}
	}

	c.Await(Gone)
}

// Ready is satisfied when a claim is Ready for what it says now.
func Ready(o *unstructured.Unstructured) error {
	if c := Condition(o, "Ready"); !isTrue(c) {
		return fmt.Errorf("is not Ready: %v %v", c["reason"], c["message"])
	}

	if c := Condition(o, "Synced"); !isTrue(c) || c["observedGeneration"] != nil && c["observedGeneration"] != o.GetGeneration() {
		return fmt.Errorf("is not Synced for generation %d: %v", o.GetGeneration(), c)
	}

	return nil
}

// Gone is satisfied by what is not there.
func Gone(o *unstructured.Unstructured) error {
	if o == nil {
		return nil
	}

	return fmt.Errorf("is still there: %v", Condition(o, "Synced")["message"])
}

// UIDs are those of what the claim has composed, by key.
func (c Claim) UIDs() map[string]types.UID {
	c.T.Helper()

	out := map[string]types.UID{}
	for k, o := range c.Composed() {
		out[k] = o.GetUID()
	}

	return out
}

// Same checks that everything that was composed before is there and is the same
// object.
func (c Claim) Same(before map[string]types.UID) {
	c.T.Helper()

	if len(before) == 0 {
		c.T.Error("nothing was composed before, so nothing could be lost")
	}

	after := c.UIDs()
	for k, uid := range before {
		if after[k] != uid {
			c.T.Errorf("%s had the uid %q and has %q", k, uid, after[k])
		}
	}
}

// Condition is a condition of an object, or nil.
func Condition(o *unstructured.Unstructured, conditionType string) map[string]any {
	for _, c := range conditions(o) {
		if c["type"] == conditionType {
			return c
		}
	}

	return nil
}

func conditions(o *unstructured.Unstructured) []map[string]any {
	if o == nil {
		return nil
	}

	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	out := make([]map[string]any, 0, len(list))

	for _, c := range list {
		if m, ok := c.(map[string]any); ok {
			out = append(out, m)
		}
	}

	return out
}

func isTrue(condition map[string]any) bool { return condition["status"] == "True" }

// remaining are those of the objects that are still there, as they are now.
func (c Claim) remaining(all map[string]*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	c.T.Helper()

	out := map[string]*unstructured.Unstructured{}

	for k, o := range all {
		if now := c.Find(o.GroupVersionKind(), o.GetName()); now != nil {
			out[k] = now
		}
	}

	return out
}

// Report is what a person would look at when a studio is stuck.
func (c Claim) Report() string {
	c.T.Helper()
	return c.report(c.Composed())
}

func (c Claim) report(composed map[string]*unstructured.Unstructured) string {
	c.T.Helper()

	b := &strings.Builder{}

	for _, c := range conditions(c.Get()) {
		fmt.Fprintf(b, "%v=%v %v %v\n", c["type"], c["status"], c["reason"], c["message"])
	}

	for k, o := range composed {
		if o.GetDeletionTimestamp() != nil {
			fmt.Fprintf(b, "%s is being deleted, and has the finalizers %v\n", k, o.GetFinalizers())
		}

		for _, is := range []string{"Synced", "Ready"} {
			if c := Condition(o, is); c != nil && !isTrue(c) {
				fmt.Fprintf(b, "%s %s=%v %v %v\n", k, is, c["status"], c["reason"], c["message"])
			}
		}
	}

	for _, e := range c.Left() {
		fmt.Fprintf(b, "in AWS: %s %s %s\n", e.Kind, e.Name, e.State)
	}

	for _, call := range c.Bed.Cloud().Calls() {
		if call.Namespace == c.Namespace && call.LastRefusal != "" {
			fmt.Fprintf(b, "refused: %s %s: %s\n", call.Kind, call.Name, call.LastRefusal)
		}
	}

	return b.String()
}
