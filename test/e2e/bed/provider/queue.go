package provider

import (
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// A key names a managed resource in the queue.
type key struct {
	kind      cloud.Kind
	namespace string
	name      string
}

func (k key) owner() cloud.Owner { return cloud.Owner{Namespace: k.namespace, Name: k.name} }

// Back-offs of the real provider, in simulated time: crossplane-runtime's
// controller rate limiter, and upjet's for callbacks of failed operations.
const (
	errorBackoff    = time.Second
	errorBackoffMax = time.Minute
	asyncBackoff    = 5 * time.Millisecond
	asyncBackoffMax = 1000 * time.Second
)

// A queue is a work queue whose delays are simulated time.
type queue struct {
	workqueue.TypedDelayingInterface[key]

	clock cloud.Clock

	mu     sync.Mutex
	errors map[key]int
	async  map[key]int
}

func newQueue(clock cloud.Clock) *queue {
	return &queue{
		TypedDelayingInterface: workqueue.NewTypedDelayingQueue[key](),
		clock:                  clock,
		errors:                 map[key]int{},
		async:                  map[key]int{},
	}
}

// after adds a key when a simulated duration has passed.
func (q *queue) after(k key, d time.Duration) { q.AddAfter(k, q.clock.Real(d)) }

// failed adds a key after the error back-off.
func (q *queue) failed(k key) { q.after(k, q.step(q.errors, k, errorBackoff, errorBackoffMax)) }

// asyncFailed adds a key after the back-off of failed operations.
func (q *queue) asyncFailed(k key) { q.after(k, q.step(q.async, k, asyncBackoff, asyncBackoffMax)) }

func (q *queue) step(failures map[key]int, k key, base, limit time.Duration) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	d := base << min(failures[k], 30)
	failures[k]++
	return min(d, limit)
}

// forget starts the error back-off anew.
func (q *queue) forget(k key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.errors, k)
}

// forgetAsync starts the back-off of failed operations anew.
func (q *queue) forgetAsync(k key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.async, k)
}
