package whole

import (
	"context"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/claim"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// inCluster are the kinds by which things get into the studio's cluster.
func inCluster() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "Object"},
		{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "Release"},
		{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "ProviderConfig"},
		{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "ProviderConfig"},
		{Group: "eks.aws.m.upbound.io", Version: "v1beta1", Kind: "ClusterAuth"},
	}
}

// departures are when composed resources left the management cluster, in the
// seconds of the ledger.
type departures struct {
	mu   sync.Mutex
	when map[string]float64
}

// watchDepartures begins to take them down.
func (s studio) watchDepartures() *departures {
	s.t.Helper()

	d := &departures{when: map[string]float64{}}

	for _, gvk := range inCluster() {
		r, err := shared.Resource(gvk, s.namespace)
		if err != nil {
			s.t.Fatal(err)
		}

		// Not the part's context: a watch lives as long as the test's process.
		w, err := r.Watch(context.Background(), metav1.ListOptions{})
		if err != nil {
			s.t.Fatal(err)
		}

		s.t.Cleanup(w.Stop)

		go d.follow(w)
	}

	return d
}

func (d *departures) follow(w watch.Interface) {
	for e := range w.ResultChan() {
		o, ok := e.Object.(*unstructured.Unstructured)
		if !ok || e.Type != watch.Deleted {
			continue
		}

		d.mu.Lock()
		d.when[o.GetAnnotations()[claim.KeyAnnotation]] = shared.Cloud().Clock().Now().Seconds()
		d.mu.Unlock()
	}
}

func (d *departures) of(key string) float64 {
	d.mu.Lock()
	defer d.mu.Unlock()

	return d.when[key]
}

// delete deletes the claim as kubectl does by default.
func (s studio) delete() {
	s.t.Helper()
	s.claim().Delete(metav1.DeletePropagationBackground)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// left is what exists in AWS of the studio, the instances in its cluster too.
func (s studio) left() []cloud.Entry { return s.claim().Left() }

// instances are those of a cluster, living or gone.
func instances(cluster string) []cloud.Entry {
	return slices.DeleteFunc(shared.Cloud().Ledger().Entries, func(e cloud.Entry) bool {
		return e.Kind != "Instance" || e.Namespace != cluster
	})
}

func alive(e cloud.Entry) bool { return e.State != cloud.StateGone }

// nothingLeft waits until AWS holds nothing but what is kept on purpose. No
// instance may outlive its studio.
func (s studio) nothingLeft(cluster string) {
	s.t.Helper()

	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		left := slices.DeleteFunc(s.left(), func(e cloud.Entry) bool { return e.Retained })
		if len(left) == 0 {
			break
		}

		if time.Since(begin) > patience {
			s.t.Fatalf("left in AWS: %v", left)
		}
	}

	if ids := living(cluster); len(ids) > 0 {
		s.t.Errorf("instances %v outlived their studio", ids)
	}
}

// inOrder checks that keys left in this order.
func (s studio) inOrder(d *departures, keys ...string) {
	s.t.Helper()

	for i := 1; i < len(keys); i++ {
		a, b := d.of(keys[i-1]), d.of(keys[i])
		if a == 0 || b == 0 || a > b {
			s.t.Errorf("%s left at %.0f s and %s at %.0f s, want the first before the second", keys[i-1], a, keys[i], b)
		}
	}
}
