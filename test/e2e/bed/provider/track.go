package provider

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// A track is what the provider's process remembers of one managed resource:
// upjet's AsyncTracker. It dies with the process.
type track struct {
	mu sync.Mutex
	// id of the resource in AWS, known from the create call on.
	id string
	// op is the running operation, empty when none runs.
	op      cloud.Operation
	started time.Time
	// last is the last operation that ended and was not cleared.
	last cloud.Operation
	err  error
	// deleted is set when a delete has ended.
	deleted bool
}

// start marks an operation as running, unless one runs.
func (t *track) start(op cloud.Operation, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.op != "" {
		return false
	}
	t.op, t.last, t.started = op, op, now
	return true
}

// end marks the running operation as ended. It returns the error that the
// operation before left.
func (t *track) end(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.op == cloud.OpDelete && err == nil {
		t.deleted = true
	}
	t.op, t.err = "", err
}

// clear forgets the last operation; its error only when all is true.
func (t *track) clear(all bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = ""
	if all {
		t.err = nil
	}
}

func (t *track) running() (cloud.Operation, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.op, t.started
}

func (t *track) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *track) gone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.deleted
}

func (t *track) knownID() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.id
}

func (t *track) know(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.id = id
}

// tracks are the process's memory, by UID.
type tracks struct {
	mu sync.Mutex
	by map[types.UID]*track
}

func (t *tracks) of(uid types.UID) *track {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by[uid] == nil {
		t.by[uid] = &track{}
	}
	return t.by[uid]
}

func (t *tracks) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, uid)
}
