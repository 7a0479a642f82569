package studio

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// named are the groups whose resources AWS names by itself, as the runbook lists
// them.
var named = regexp.MustCompile(`^(ec2|elbv2|cloudfront|acm|wafv2)\.aws\.m\.upbound\.io$`)

// TestRestored loses the management cluster of a Ready studio and restores the
// claim alone. It is refused, and names a runbook. What that says to do brings the
// studio back as it was: nothing in AWS is made anew or deleted.
func TestRestored(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(small(nil))
	s.awaitReady()

	backup := s.managed()
	owned, vpc := s.owned(), s.inAWS("network-vpc").ID

	s.lose()
	s.apply(small(nil))
	s.await(func(o *unstructured.Unstructured) error {
		c := conditionOf(o, "Synced")
		if said := fmt.Sprint(c["message"]); c["status"] != "False" || !strings.Contains(said, vpc) || !strings.HasSuffix(said, "see docs/runbooks/restore.md") {
			return fmt.Errorf("is not refused: %v", c)
		}

		return nil
	})

	// Step 1: hands off what may be old.
	for _, o := range s.managed() {
		if !named.MatchString(o.GroupVersionKind().Group) {
			s.patchObject(o, `{"spec":{"managementPolicies":["Observe"]}}`)
		}
	}

	// Step 2: the second VPC goes.
	s.delete()

	if gone := missing(owned, s.owned()); len(gone) > 0 {
		t.Fatalf("with the claim went, of the old studio: %v", gone)
	}

	// In real seconds, as Crossplane's own wait is.
	time.Sleep(10 * time.Second)

	// Steps 3 and 4.
	for _, o := range backup {
		s.make(copyTo(o, s.namespace))
	}

	for _, o := range backup {
		s.claim().AwaitObject(o.GroupVersionKind(), o.GetName(), func(o *unstructured.Unstructured) error {
			if c := conditionOf(o, "Ready"); isAWS(o) && c["status"] != "True" {
				return fmt.Errorf("is not Ready: %v", c)
			}

			return nil
		})
	}

	s.apply(small(nil))
	s.awaitReady()

	if gone := missing(owned, s.owned()); len(gone) > 0 {
		t.Errorf("the studio lost %v", gone)
	}

	if more := missing(s.owned(), owned); len(more) > 0 {
		t.Errorf("the studio has anew %v", more)
	}

	s.delete()
}

// managed are the claim's managed resources, as `kubectl get managed` lists them.
func (s studio) managed() []*unstructured.Unstructured {
	s.t.Helper()

	var out []*unstructured.Unstructured

	for _, o := range s.composed() {
		if isManaged(o) {
			out = append(out, o)
		}
	}

	return out
}

// owned are the ids of what AWS holds of the studio.
func (s studio) owned() []string {
	s.t.Helper()

	var out []string
	for _, e := range s.left() {
		out = append(out, e.Kind+" "+e.ID)
	}

	slices.Sort(out)

	return out
}

// missing are the elements of a that b lacks.
func missing(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// lose takes the claim and all it has out of the management cluster, as the loss of
// that would. AWS notices nothing.
func (s studio) lose() {
	s.t.Helper()

	all := s.composed()

	s.setPaused("true")

	for _, o := range all {
		s.patchObject(o, `{"metadata":{"annotations":{"crossplane.io/paused":"true"}}}`)
	}

	for _, o := range s.managed() {
		s.claim().AwaitObject(o.GroupVersionKind(), o.GetName(), func(o *unstructured.Unstructured) error {
			if c := conditionOf(o, "Synced"); c["reason"] != "ReconcilePaused" {
				return fmt.Errorf("is not paused: %v", c)
			}

			return nil
		})
	}

	s.claim().Delete(metav1.DeletePropagationOrphan)
	s.patchObject(s.get(), `{"metadata":{"finalizers":null}}`)
	s.await(gone)

	s.forget(all)

	for _, o := range all {
		s.claim().AwaitObject(o.GroupVersionKind(), o.GetName(), gone)
	}
}
