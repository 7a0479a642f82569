package objects

import (
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/workqueue"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// A key names what is to be reconciled.
type key struct {
	kind      string
	namespace string
	name      string
}

// A result is what becomes of a key after a reconcile.
type result struct {
	failed bool          // again after the error back-off
	after  time.Duration // when it is zero and failed is not set: not at all
}

// crossplane-runtime's back-off (ratelimiter.NewController), in simulated time.
const (
	backoff    = time.Second
	backoffMax = time.Minute
)

// A queue is a work queue whose delays are simulated time.
type queue struct {
	workqueue.TypedDelayingInterface[key]

	clock cloud.Clock

	mu       sync.Mutex
	failures map[key]int
}

func newQueue(clock cloud.Clock) *queue {
	return &queue{TypedDelayingInterface: workqueue.NewTypedDelayingQueue[key](), clock: clock, failures: map[key]int{}}
}

func (q *queue) after(k key, d time.Duration) { q.AddAfter(k, q.clock.Real(d)) }

// failed adds a key after the back-off.
func (q *queue) failed(k key) {
	q.mu.Lock()
	d := min(backoffMax, backoff<<min(q.failures[k], 10))
	q.failures[k]++
	q.mu.Unlock()

	q.after(k, d)
}

// forget starts the back-off anew.
func (q *queue) forget(k key) {
	q.mu.Lock()
	defer q.mu.Unlock()

	delete(q.failures, k)
}

// desiredChanged is crossplane-runtime's DesiredStateChanged.
func desiredChanged(before, after *unstructured.Unstructured) bool {
	return before.GetGeneration() != after.GetGeneration() ||
		!maps.Equal(before.GetLabels(), after.GetLabels()) ||
		!maps.Equal(before.GetAnnotations(), after.GetAnnotations()) ||
		before.GetUID() != after.GetUID()
}
