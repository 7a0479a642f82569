package whole

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// changesPools adds a pool, changes another's instance types, and takes the new
// one away again while its server works. The other pools notice nothing.
func changesPools(p production) {
	w := p.cluster
	before, had := p.uids(), living(w.name)
	pods := w.podNames("people")

	p.change(func(spec map[string]any) {
		spec["pools"] = append(spec["pools"].([]any), map[string]any{
			"name": "video", "instanceTypes": []any{"g6e.2xlarge"}, "maxGPUs": int64(1), "servers": map[string]any{"min": int64(1), "max": int64(1)},
		})
	})
	w.await(func(ctx context.Context) error {
		_, err := w.core.AppsV1().Deployments(inStudio).Get(ctx, "comfyui-video", metav1.GetOptions{})
		return err
	})
	w.awaitServers("video", 1)
	p.await(func(o *unstructured.Unstructured) error { return pools(o, "people", "batch", "video") })
	p.awaitReady()
	p.same(before)

	p.change(func(spec map[string]any) {
		spec["pools"].([]any)[0].(map[string]any)["instanceTypes"] = []any{"g6.4xlarge", "g6.2xlarge"}
	})
	w.await(func(context.Context) error {
		if got := instanceTypes(w.nodePool("people")); !slices.Equal(got, []string{"g6.4xlarge", "g6.2xlarge"}) {
			return fmt.Errorf("the pool's instance types are %v", got)
		}

		return nil
	})
	p.awaitReady()
	p.same(before)

	fresh := slices.DeleteFunc(living(w.name), func(id string) bool { return slices.Contains(had, id) })
	if len(fresh) != 1 {
		p.t.Fatalf("the new pool has instances %v, want one", fresh)
	}

	p.change(func(spec map[string]any) { spec["pools"] = spec["pools"].([]any)[:2] })
	w.await(func(ctx context.Context) error {
		if left := p.leftOf("video"); len(left) > 0 {
			return fmt.Errorf("left of the pool: %v", left)
		}

		if _, err := w.any.Resource(nodePools()).Get(ctx, "video", metav1.GetOptions{}); !kerrors.IsNotFound(err) {
			return errors.New("the NodePool is still there")
		}

		if slices.Contains(living(w.name), fresh[0]) {
			p.t.Fatalf("the NodePool is gone and its instance %s lives", fresh[0])
		}

		return nil
	})
	// Not the NodePool's Object: Crossplane loses sight of a composed resource once
	// its delete is asked for, so the class is deleted while the pool still drains,
	// and its finalizer waits for the nodes (docs/adr/0007).
	p.inOrder(p.departures, "workload-servers-video", "capacity-node-class-video")
	p.awaitReady()
	p.await(func(o *unstructured.Unstructured) error { return pools(o, "people", "batch") })
	p.same(before)

	if now := w.podNames("people"); !slices.Equal(now, pods) {
		p.t.Errorf("the other pool's servers were %v and are %v", pods, now)
	}
}

// leftOf are the composed keys of a pool.
func (s studio) leftOf(pool string) []string {
	s.t.Helper()

	out := []string{}

	for k := range s.composed() {
		if strings.HasSuffix(k, "-"+pool) {
			out = append(out, k)
		}
	}

	return out
}

func instanceTypes(nodePool *unstructured.Unstructured) []string {
	all, _, _ := unstructured.NestedSlice(nodePool.Object, "spec", "template", "spec", "requirements")
	for _, r := range all {
		if m := r.(map[string]any); m["key"] == "node.kubernetes.io/instance-type" {
			out, _, _ := unstructured.NestedStringSlice(m, "values")
			return out
		}
	}

	return nil
}

// podNames are a pool's pods, sorted.
func (w workload) podNames(pool string) []string {
	w.t.Helper()

	pods, err := w.core.CoreV1().Pods(inStudio).List(w.t.Context(), metav1.ListOptions{LabelSelector: "comfyui-studio/pool=" + pool})
	if err != nil {
		w.t.Fatal(err)
	}

	out := []string{}
	for i := range pods.Items {
		out = append(out, pods.Items[i].Name)
	}

	slices.Sort(out)

	return out
}
