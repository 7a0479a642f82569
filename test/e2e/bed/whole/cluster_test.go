package whole

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// inStudio is the namespace of everything of ours in the studio's cluster.
	inStudio = "comfyui"
	// queued is how a test tells the front door's double what waits.
	queued = "bed.comfyui-studio.io/queue"
)

// workload is the inside of a studio's cluster.
type workload struct {
	t    *testing.T
	name string
	core kubernetes.Interface
	any  dynamic.Interface
}

// cluster is the studio's, once its API answers.
func (s studio) cluster() workload {
	s.t.Helper()

	name := ""

	s.await(func(o *unstructured.Unstructured) error {
		name, _, _ = unstructured.NestedString(o.Object, "status", "cluster", "name")
		if name == "" {
			return errors.New("has no cluster yet")
		}

		return nil
	})

	region, _, _ := unstructured.NestedString(s.get().Object, "spec", "region")

	c, err := shared.Cluster(s.t.Context(), region, name, patience)
	if err != nil {
		s.t.Fatal(err)
	}

	admin := rest.CopyConfig(c.Admin)
	admin.QPS = -1
	w := workload{t: s.t, name: name}

	if w.core, err = kubernetes.NewForConfig(admin); err != nil {
		s.t.Fatal(err)
	}

	if w.any, err = dynamic.NewForConfig(admin); err != nil {
		s.t.Fatal(err)
	}

	return w
}

// await asks until there is no error.
func (w workload) await(ask func(context.Context) error) {
	w.t.Helper()

	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()

	for {
		err := ask(ctx)
		if err == nil {
			return
		}

		select {
		case <-ctx.Done():
			w.t.Fatalf("cluster %s: %v", w.name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (w workload) servers(pool string) *appsv1.Deployment {
	w.t.Helper()

	d, err := w.core.AppsV1().Deployments(inStudio).Get(w.t.Context(), "comfyui-"+pool, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}

	return d
}

// patchServers changes a pool's Deployment by hand.
func (w workload) patchServers(pool, patch string) {
	w.t.Helper()

	_, err := w.core.AppsV1().Deployments(inStudio).Patch(w.t.Context(), "comfyui-"+pool, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "hand"})
	if err != nil {
		w.t.Fatal(err)
	}
}

// queue says how many prompts wait for a pool.
func (w workload) queue(pool string, n int) {
	w.t.Helper()
	w.patchServers(pool, fmt.Sprintf(`{"metadata":{"annotations":{%q:"%d"}}}`, queued, n))
}

// awaitServers waits until so many of a pool's servers are Ready, each on a GPU
// node that Karpenter made for the pool.
func (w workload) awaitServers(pool string, n int) {
	w.t.Helper()
	w.await(func(ctx context.Context) error {
		pods, err := w.core.CoreV1().Pods(inStudio).List(ctx, metav1.ListOptions{LabelSelector: "comfyui-studio/pool=" + pool})
		if err != nil {
			return err
		}

		ready := 0

		for i := range pods.Items {
			p := &pods.Items[i]
			if !podReady(p) || p.DeletionTimestamp != nil {
				continue
			}

			ready++

			node, err := w.core.CoreV1().Nodes().Get(ctx, p.Spec.NodeName, metav1.GetOptions{})
			if err != nil {
				return err
			}

			if of := node.Labels["karpenter.sh/nodepool"]; of != pool || !strings.HasPrefix(node.Labels[corev1.LabelInstanceTypeStable], "g") {
				w.t.Fatalf("server %s of pool %s runs on node %s of pool %q, type %s", p.Name, pool, node.Name, of, node.Labels[corev1.LabelInstanceTypeStable])
			}
		}

		if ready != n {
			return fmt.Errorf("%d servers of pool %s are Ready, want %d", ready, pool, n)
		}

		return nil
	})
}

// awaitNodes waits until a pool has so many nodes.
func (w workload) awaitNodes(pool string, n int) {
	w.t.Helper()
	w.await(func(ctx context.Context) error {
		nodes, err := w.core.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "karpenter.sh/nodepool=" + pool})
		if err == nil && len(nodes.Items) != n {
			return fmt.Errorf("pool %s has %d nodes, want %d", pool, len(nodes.Items), n)
		}

		return err
	})
}

func podReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}

	return false
}

func nodePools() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodepools"}
}

func (w workload) nodePool(name string) *unstructured.Unstructured {
	w.t.Helper()

	o, err := w.any.Resource(nodePools()).Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}

	return o
}

// living are the cluster's instances that run, by id.
func living(cluster string) []string {
	out := []string{}

	for _, e := range instances(cluster) {
		if alive(e) {
			out = append(out, e.ID)
		}
	}

	return out
}
