package studio

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// TestLife takes one studio from nothing to Ready, to gone, and back again.
func TestLife(t *testing.T) {
	s := newStudio(t)
	s.apply(nil)
	s.awaitReady()

	t.Run("NoCallIsRefused", func(t *testing.T) {
		for _, c := range s.calls() {
			if c.Refused > 0 || c.Waits > 0 {
				t.Errorf("%s %s: AWS refused %d calls (%s), %d reconciles waited for a reference; want neither",
					c.Kind, c.Name, c.Refused, c.LastRefusal, c.Waits)
			}
		}
	})

	t.Run("Status", func(t *testing.T) {
		o := s.get()
		for _, path := range []string{
			"account", "cluster.name", "cluster.endpoint", "cluster.version", "cluster.securityGroupID",
			"network.vpcID", "network.egressIP", "buckets.models", "buckets.inputs", "buckets.outputs",
			"url", "loginSecretRef.name", "image.digest", "image.agent.digest", "edge.loadBalancerARN", "edge.vpcOriginID",
		} {
			v, _, _ := unstructured.NestedString(o.Object, append([]string{"status"}, strings.Split(path, ".")...)...)
			if v == "" {
				t.Errorf("status.%s is empty", path)
			}
		}

		for _, typ := range []string{
			"NetworkReady", "ClusterReady", "CapacityReady", "StorageReady", "ModelSyncReady", "ImageReady", "WorkloadReady", "EdgeReady",
		} {
			if c := conditionOf(o, typ); c["status"] != "True" || c["reason"] != "Ready" {
				t.Errorf("%s: want True Ready, got %v", typ, c)
			}
		}
	})

	buckets := bucketIDs(s.left())

	t.Run("DeleteLeavesTheBuckets", func(t *testing.T) {
		s := s
		s.t = t
		origin := s.keyOf("edge-vpc-origin")
		s.delete()

		s.leavesOnlyBuckets(buckets)
		inOrder(t, s, "cluster-system-nodes", "cluster-eks", "cluster-role")
		inOrder(t, s, "cluster-system-nodes", "cluster-node-role")
		inOrder(t, s, "cluster-eks", "network-private-subnet-apne1-az1", "network-vpc")
		inOrder(t, s, "edge-distribution", origin, "edge-load-balancer", "network-vpc")
	})

	t.Run("AppliedAgainItAdoptsThem", func(t *testing.T) {
		shared.Cloud().ResetCalls()
		s.apply(nil)
		s.awaitReady()

		if diff := cmp.Diff(buckets, bucketIDs(s.left())); diff != "" {
			t.Errorf("buckets: -before, +after:\n%s", diff)
		}

		for _, c := range s.calls() {
			if holdsWork(c.Kind, c.Name) && c.Create > 0 {
				t.Errorf("bucket %s was made again", c.Name)
			}
		}

		s.delete()
	})
}

// TestDeleteTakesEverything deletes a studio whose claim keeps nothing.
func TestDeleteTakesEverything(t *testing.T) {
	s := newStudio(t)
	del := map[string]any{"onDelete": "Delete"}
	s.apply(map[string]any{"models": del, "inputs": del, "outputs": del})
	s.awaitReady()
	s.delete()

	if left := s.left(); len(left) > 0 {
		t.Errorf("left in AWS: %v", left)
	}
}

// TestDeleteHalfway deletes a studio whose cluster is still being made.
func TestDeleteHalfway(t *testing.T) {
	s := newStudio(t)
	s.apply(map[string]any{"models": map[string]any{"onDelete": "Delete"}})
	s.await(composes("cluster-eks"))
	s.delete()

	for _, e := range s.left() {
		if !strings.HasPrefix(e.Group, "s3.") {
			t.Errorf("left in AWS: %s %s", e.Kind, e.Name)
		}
	}
}

// composes is satisfied when the claim has composed a resource with a key.
func composes(key string) func(*unstructured.Unstructured) error {
	return func(o *unstructured.Unstructured) error {
		refs, _, _ := unstructured.NestedSlice(o.Object, "spec", "crossplane", "resourceRefs")
		for _, r := range refs {
			if name, _ := r.(map[string]any)["name"].(string); strings.HasSuffix(name, key) {
				return nil
			}
		}

		return fmt.Errorf("has not composed %s yet", key)
	}
}

// holdsWork says whether a resource is a bucket with people's work. The artefacts
// of builds are the studio's own and go with it.
func holdsWork(kind, name string) bool {
	return kind == "Bucket" && !strings.HasSuffix(name, "-image-artefacts")
}

// bucketIDs are the buckets with people's work.
func bucketIDs(entries []cloud.Entry) []string {
	ids := map[string]bool{}

	for _, e := range entries {
		if holdsWork(e.Kind, e.Name) {
			ids[e.ID] = true
		}
	}

	return slices.Sorted(maps.Keys(ids))
}

// inOrder checks that resources left AWS in the order of keys.
func inOrder(t *testing.T, s studio, keys ...string) {
	t.Helper()

	deleted := map[string]float64{}

	for _, e := range shared.Cloud().Ledger().Entries {
		for _, k := range keys {
			if e.Namespace == s.namespace && strings.HasSuffix(e.Name, "-"+k) {
				deleted[k] = e.Deleted
			}
		}
	}

	for i := 1; i < len(keys); i++ {
		a, b := keys[i-1], keys[i]
		if deleted[a] == 0 || deleted[b] == 0 || deleted[a] > deleted[b] {
			t.Errorf("%s left at %.0f s and %s at %.0f s, want the first before the second", a, deleted[a], b, deleted[b])
		}
	}
}
