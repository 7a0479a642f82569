package studio

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestClusterNeverActive holds the claim back when the provider gives up waiting
// for a cluster and then calls it Ready because it finds it there: nothing is
// built on it, and the claim names it.
func TestClusterNeverActive(t *testing.T) {
	long(t)

	s := newStudio(t)
	plant(t, "namespace="+s.namespace+",kind=Cluster,operation=create,mode=never")
	s.apply(small(nil))

	s.await(func(*unstructured.Unstructured) error {
		if c := conditionOf(s.composed()["cluster-eks"], "Ready"); c["status"] != "True" {
			return fmt.Errorf("the provider does not call the cluster Ready: %v", c)
		}

		return nil
	})

	s.await(func(o *unstructured.Unstructured) error {
		c := conditionOf(o, "ClusterReady")
		if c["status"] == "True" || !strings.Contains(fmt.Sprint(c["message"]), "creating: cluster-eks") {
			return fmt.Errorf("ClusterReady does not name the cluster: %v", c)
		}

		return nil
	})

	for _, c := range s.calls() {
		if c.Refused > 0 {
			t.Errorf("%s %s: AWS refused %d calls (%s), want none", c.Kind, c.Name, c.Refused, c.LastRefusal)
		}
	}

	mend()
	s.awaitReady()
	s.delete()
}
