package studio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestDeleteForeground deletes the claim the other way round: the claim stays
// until everything else is gone, so that it can be waited for.
func TestDeleteForeground(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(small(nil))
	s.awaitReady()

	buckets, before := bucketIDs(s.left()), s.composed()
	s.claim().Delete(metav1.DeletePropagationForeground)

	s.await(gone)

	for k, o := range before {
		if err := shared.Await(t.Context(), o.GroupVersionKind(), s.namespace, o.GetName(), 0, gone); err != nil {
			t.Errorf("The claim goes last, but %s is left: %v", k, err)
		}
	}

	s.leavesOnlyBuckets(buckets)
	inOrder(t, s, "cluster-system-nodes", "cluster-eks", "cluster-role")
}

// TestDeleteOrphan deletes the claim alone, as docs/runbooks/delete.md says. The
// studio stays as it is, and a claim of the same name takes it over.
//
// The claim is paused first: a run that is under way when the claim is deleted
// makes the claim the owner again of what the garbage collector has just set
// free, and then all of it goes.
func TestDeleteOrphan(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(small(nil))
	s.awaitReady()

	before := s.uids()

	s.pause()
	shared.Cloud().ResetCalls()
	s.claim().Delete(metav1.DeletePropagationOrphan)
	s.await(func(o *unstructured.Unstructured) error {
		if slices.Contains(o.GetFinalizers(), metav1.FinalizerOrphanDependents) {
			return errors.New("still owns what it composed")
		}

		return nil
	})
	s.setPaused("false")

	s.await(gone)

	s.apply(small(nil))
	s.awaitReady()
	s.kept(before)
	s.delete()
}

// pause pauses the claim and waits until nobody works on it any more.
func (s studio) pause() {
	s.t.Helper()

	s.setPaused("true")
	s.await(func(o *unstructured.Unstructured) error {
		if c := conditionOf(o, "Synced"); c["reason"] != "ReconcilePaused" {
			return fmt.Errorf("is not paused: %v", c)
		}

		return nil
	})
}

// setPaused pauses the claim, or lets it go on.
func (s studio) setPaused(paused string) {
	s.t.Helper()
	s.patch(studioKind, s.name, fmt.Sprintf(`{"metadata":{"annotations":{"crossplane.io/paused":%q}}}`, paused))
}

// leavesOnlyBuckets checks that nothing is left in AWS but the buckets that
// there were, with their settings.
func (s studio) leavesOnlyBuckets(buckets []string) {
	s.t.Helper()
	s.leavesNothingElse()

	if diff := cmp.Diff(buckets, bucketIDs(s.left())); diff != "" {
		s.t.Errorf("buckets: -before, +after the delete:\n%s", diff)
	}
}

// leavesNothingElse checks that nothing is left in AWS but kept buckets, whichever
// there were when the claim was deleted.
func (s studio) leavesNothingElse() {
	s.t.Helper()

	for _, e := range s.left() {
		if !strings.HasPrefix(e.Group, "s3.") || !e.Retained {
			s.t.Errorf("left in AWS beside the kept buckets: %s %s", e.Kind, e.Name)
		}
	}
}
