package whole

import (
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
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

// TestGoes deletes smaller studios beside the one of TestProduction, each in its
// own way. All of them have a Kubernetes API of their own.
func TestGoes(t *testing.T) {
	t.Parallel()

	cluster := example(t, "goes-cluster", "minimal.yaml", inVPN)
	nodes := example(t, "goes-nodes", "minimal.yaml", awake)
	whole := example(t, "goes-whole", "minimal.yaml", awake)

	t.Run("WhileTheClusterIsMade", func(t *testing.T) {
		s := cluster.in(t)
		s.await(func(*unstructured.Unstructured) error {
			if _, there := s.composed()["cluster-eks"]; !there {
				return errors.New("the cluster is not composed")
			}

			return nil
		})
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

	t.Run("WithItsNamespace", func(t *testing.T) {
		s := whole.in(t)
		s.awaitReady()

		w := s.cluster()
		w.awaitServers("default", 1)

		before := s.composed()

		client, err := shared.Resource(namespaceKind, "")
		if err != nil {
			t.Fatal(err)
		}

		if err := client.Delete(t.Context(), s.namespace, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}

		if err := shared.Await(t.Context(), namespaceKind, "", s.namespace, patience, bed.Gone); err != nil {
			t.Fatalf("%v\n%s", err, s.remains(before))
		}

		s.nothingLeft(w.name)
	})
}

// takesAll deletes a studio and waits until it has taken everything along.
func (s studio) takesAll(cluster string) {
	s.t.Helper()

	before := s.composed()

	s.delete()
	s.awaitGone(before)
	s.nothingLeft(cluster)
}
