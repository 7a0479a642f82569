package history

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
)

// A Judge holds a node's deletes to what it can know: that a listing lacks a key
// proves nothing, since by the time of the delete the object may be back. Whoever
// looks once more sees that.
type Judge struct {
	timeline *Timeline
	next     http.RoundTripper
	// listed is when the node's last listing came to it.
	listed atomic.Int64

	mu         sync.Mutex
	violations []string
}

// NewJudge watches what a node asks through next.
func NewJudge(t *Timeline, next http.RoundTripper) *Judge { return &Judge{timeline: t, next: next} }

// RoundTrip notes when a listing has come. One that is asked for a single key only
// shows that the bucket is there.
func (j *Judge) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := j.next.RoundTrip(r)

	if q := r.URL.Query(); err == nil && q.Has("list-type") && q.Get("max-keys") != "1" {
		j.listed.Store(j.timeline.Now())
	}

	return answer, err
}

// Watch judges each delete of a node.
func (j *Judge) Watch(n *fleet.Node) {
	n.Disk.OnRemove = func(name string) {
		key, inside := strings.CutPrefix(name, "models/")
		if !inside || !j.timeline.thereSince(key, j.listed.Load()) {
			return
		}

		j.mu.Lock()
		defer j.mu.Unlock()

		j.violations = append(j.violations, fmt.Sprintf("%s: %q is deleted though its object is there, and was there when the listing came", n.Name, key))
	}
}

// Violations are deletes without proof.
func (j *Judge) Violations() []string {
	j.mu.Lock()
	defer j.mu.Unlock()

	return j.violations
}
