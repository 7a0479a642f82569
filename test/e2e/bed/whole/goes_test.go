package whole

import (
	"errors"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// inVPN leaves out what only takes time: CloudFront.
func inVPN(spec map[string]any) { spec["access"] = map[string]any{"cdn": false} }

// awake keeps a server at work, so that a node lives.
func awake(spec map[string]any) {
	inVPN(spec)

	spec["pools"] = []any{map[string]any{
		"name": "default", "instanceTypes": []any{"g6.2xlarge"}, "maxGPUs": int64(1), "servers": map[string]any{"min": int64(1), "max": int64(1)},
	}}
}

// othersGo deletes studios half way. A namespace that is deleted with a studio in
// it is not among them: it takes the way into the cluster from the providers, see
// docs/runbooks/delete.md.
func othersGo(t *testing.T) {
	t.Helper()

	cluster := example(t, "goes-cluster", "minimal.yaml", inVPN)
	nodes := example(t, "goes-nodes", "minimal.yaml", awake)

	t.Run("WhileTheClusterIsMade", func(t *testing.T) {
		s := cluster.in(t)
		s.awaitComposed("cluster-eks")
		s.takesAll("")
	})

	t.Run("WhileNodesCome", func(t *testing.T) {
		s := nodes.in(t)
		w := s.cluster()

		s.await(func(*unstructured.Unstructured) error {
			if len(living(w.name)) == 0 {
				return errors.New("no node was launched")
			}

			return nil
		})
		s.takesAll(w.name)
	})
}

// awaitComposed waits until there is a resource with a key.
func (s studio) awaitComposed(key string) {
	s.t.Helper()
	s.await(func(*unstructured.Unstructured) error {
		if _, there := s.composed()[key]; !there {
			return fmt.Errorf("has not composed %s yet", key)
		}

		return nil
	})
}

// takesAll deletes a studio and waits until it has taken everything along.
func (s studio) takesAll(cluster string) {
	s.t.Helper()

	before := s.composed()

	s.delete()
	s.claim().AwaitGone(before)
	s.nothingLeft(cluster)
}
