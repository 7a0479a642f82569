package whole

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// TestThree is what CI runs of whole studios: three at once. Two get Ready, each on
// a Kubernetes API of its own, with a server at work on a GPU node of its own. The
// third is deleted while its cluster is being made. All leave nothing.
func TestThree(t *testing.T) {
	lasting := []studio{example(t, "three-one", "minimal.yaml", awake), example(t, "three-two", "minimal.yaml", awake)}
	short := example(t, "three-short", "minimal.yaml", inVPN)

	short.awaitComposed("cluster-eks")
	short.takesAll("")

	clusters := []workload{}
	nodes := map[string]bool{}

	for _, s := range lasting {
		s.awaitReady()

		w := s.cluster()
		w.awaitServers("default", 1)

		for _, id := range living(w.name) {
			nodes[id] = true
		}

		clusters = append(clusters, w)
	}

	if clusters[0].uid() == clusters[1].uid() || len(nodes) != 2 {
		t.Errorf("two studios have %d GPU nodes, want one each, and the clusters %s and %s, want two", len(nodes), clusters[0].name, clusters[1].name)
	}

	before := []map[string]*unstructured.Unstructured{}

	for _, s := range lasting {
		s.isReady()

		before = append(before, s.composed())
		s.delete()
	}

	for i, s := range lasting {
		s.claim().AwaitGone(before[i])
		s.nothingLeft(clusters[i].name)
	}
}

// uid is that of the cluster's namespace of ours, which no other cluster has.
func (w workload) uid() types.UID {
	w.t.Helper()

	ns, err := w.core.CoreV1().Namespaces().Get(w.t.Context(), inStudio, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}

	return ns.UID
}
