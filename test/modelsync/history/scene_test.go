package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/history"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// never is an interval that no test waits for.
const never = time.Hour

// scene is a world with one node that looks only when it is told to.
type scene struct {
	t *testing.T
	w *history.World
	n *fleet.Node
}

func newScene(t *testing.T, pageSize int) scene {
	t.Helper()

	w, err := history.NewWorld(never, pageSize)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(w.Close)

	n, err := w.Join()
	if err != nil {
		t.Fatal(err)
	}

	// Its daemon looks once by itself, and never again.
	for n.Status().Passes == 0 {
		time.Sleep(time.Millisecond)
	}

	c := scene{t: t, w: w, n: n}
	c.settle()

	return c
}

func (c scene) settle() {
	c.t.Helper()

	if wrong := c.w.Settle(); wrong != "" {
		c.t.Fatalf("after a quiet period:\n%s", wrong)
	}
}

// look makes one pass, whatever becomes of it.
func (c scene) look() {
	_ = c.n.Settle(c.t.Context(), 1, func() []*store.Object { return nil })
}

// put uploads content that never was before.
func (c scene) put(key string, size int64) { c.w.Store.Put(bucket, key, c.w.Fresh(size)) }

// differences tells how a node differs from the bucket.
func (c scene) differences(n *fleet.Node) []string {
	return fleet.Compare(n.Tree, fleet.Expect(c.w.Store.Objects(bucket)))
}

// named holds that these and no others are not there, for want of room.
func (c scene) named(keys ...string) {
	c.t.Helper()

	var want, skipped []string

	for _, k := range keys {
		want = append(want, fmt.Sprintf("%q is not there", k))
	}

	for _, s := range c.n.Status().Skipped {
		skipped = append(skipped, s.Key)
	}

	if d := c.differences(c.n); !slices.Equal(d, want) || !slices.Equal(skipped, keys) {
		c.t.Errorf("these do not fit: want %v, got %v; told: %v", want, d, skipped)
	}
}

// kept holds that the node has a file under a key, whatever version of it.
func (c scene) kept(key string) {
	c.t.Helper()

	if _, err := os.Stat(filepath.Join(c.n.Tree, key)); err != nil {
		c.t.Errorf("the file was deleted though its object is there: %v", err)
	}
}
