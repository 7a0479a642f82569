package studio

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestDeleteAtEveryStage deletes studios that are not finished. Whatever there is
// goes, and only kept buckets stay.
func TestDeleteAtEveryStage(t *testing.T) {
	long(t)

	cases := map[string]struct {
		reason string
		// ready is how many resources are ready when the claim is deleted.
		ready  int64
		policy metav1.DeletionPropagation
	}{
		"FirstWave":   {"Roles and the VPC.", 5, metav1.DeletePropagationBackground},
		"Network":     {"The network, while the cluster is being made.", 70, metav1.DeletePropagationBackground},
		"Cluster":     {"The cluster is there, its nodes are not.", 100, metav1.DeletePropagationForeground},
		"Workload":    {"Objects and Releases are in the cluster.", 125, metav1.DeletePropagationBackground},
		"NearlyReady": {"The last ones are missing.", 140, metav1.DeletePropagationForeground},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := newStudio(t)
			s.apply(nil)
			s.await(func(o *unstructured.Unstructured) error {
				n, _, _ := unstructured.NestedInt64(o.Object, "status", "resources", "ready")
				if n < tc.ready {
					return fmt.Errorf("%d resources are ready, want %d", n, tc.ready)
				}

				return nil
			})

			if conditionOf(s.get(), "Ready")["status"] == "True" {
				t.Fatalf("%s\nThe studio is Ready already.", tc.reason)
			}

			s.takesAll(tc.policy)
			s.leavesNothingElse()
		})
	}
}

// TestDeleteHalfFailed deletes a studio of which something was refused for good.
func TestDeleteHalfFailed(t *testing.T) {
	long(t)

	s := newStudio(t)
	plant(t, "namespace="+s.namespace+",kind=NodeGroup,operation=create,mode=fail,message=You've reached your quota for maximum Fleet Requests for this account.")
	s.apply(small(nil))
	s.await(func(o *unstructured.Unstructured) error {
		if c := conditionOf(o, "ClusterReady"); c["reason"] != "Failed" {
			return fmt.Errorf("ClusterReady is %v", c)
		}

		return nil
	})

	s.takesAll(metav1.DeletePropagationBackground)
	s.leavesNothingElse()
	mend()
}
