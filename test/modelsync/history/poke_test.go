package history_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// patience is for what must happen and is not measured.
const patience = 2 * time.Minute

// equal waits until a node equals the bucket by itself: nobody but a poke makes
// it look.
func (c scene) equal(what string) {
	c.t.Helper()

	var differences []string

	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		differences = nil
		for _, n := range c.w.Nodes() {
			differences = append(differences, c.differences(n)...)
		}

		if len(differences) == 0 {
			return
		}
	}

	c.t.Fatalf("%s: %v", what, differences)
}

// TestStorm pokes ten thousand times while a pass is at its listing. That pass
// may be too old for them; one more is enough for all.
func TestStorm(t *testing.T) {
	c := newScene(t, 0)
	before := c.n.Status().Passes
	listing, release := make(chan struct{}), make(chan struct{})

	c.w.BetweenPages(func() { close(listing); <-release })
	_ = c.n.Poke()
	<-listing

	for range 10_000 {
		_ = c.n.Poke()
	}

	c.put("a", 100)
	close(release)
	c.equal("a poke during a pass is another pass")

	// The one that is made here waits for one that is under way.
	c.look()

	if passes := c.n.Status().Passes - before; passes != 3 {
		t.Errorf("ten thousand pokes during a pass are one more: want 3 passes with the last, got %d", passes)
	}
}

// TestNoPokeIsLost pokes at all moments of a pass, its last one as well. Each time
// the file must come, and no timer brings it.
func TestNoPokeIsLost(t *testing.T) {
	c := newScene(t, 0)

	for i := range 200 {
		// A pass that ends about when the poke comes.
		_ = c.n.Poke()

		time.Sleep(time.Duration(i%50) * 100 * time.Microsecond)
		c.put("a", 100)
		_ = c.n.Poke()
		c.equal(fmt.Sprintf("poke %d is lost", i))
	}
}

// TestTenThousandFiles is a bucket of many small files, of which a part is
// replaced, deleted and renamed at once.
func TestTenThousandFiles(t *testing.T) {
	c := newScene(t, 0)

	name := func(i int) string { return fmt.Sprintf("many/%02d/%05d", i%40, i) }
	for i := range 10_000 {
		c.w.Store.Put(bucket, name(i), c.w.Fresh(store.MinSeeded+int64(i%100)))
	}

	c.settle()

	// From one page of a listing of many to another, either way.
	c.w.BetweenPages(func() { c.w.Store.Copy(bucket, name(9_999), "a"); c.w.Store.Delete(bucket, name(9_999)) })
	c.w.BetweenPages(func() { c.w.Store.Copy(bucket, name(40), "z"); c.w.Store.Delete(bucket, name(40)) })
	c.look()

	for i := range 10_000 {
		switch i % 5 {
		case 0:
			c.w.Store.Put(bucket, name(i), c.w.Fresh(store.MinSeeded+int64(i%100)))
		case 1:
			c.w.Store.Delete(bucket, name(i))
		case 2:
			c.w.Store.Copy(bucket, name(i), fmt.Sprintf("renamed/%05d", i))
			c.w.Store.Delete(bucket, name(i))
		}
	}

	c.settle()
}

// TestHugeDoesNotFit is an object of 20 GiB on a disk of one: it is named, costs
// nothing, and stops nobody.
func TestHugeDoesNotFit(t *testing.T) {
	c := newScene(t, 0)
	c.n.Disk.Shrink(1 << 30)
	c.w.Store.PutLarge(bucket, "checkpoints/huge", c.w.Fresh(20<<30), 64<<20)
	c.put("loras/small", 1000)
	c.look()

	if s := c.n.Status(); s.SkippedCount != 1 || s.Skipped[0].Key != "checkpoints/huge" || s.Files != 1 {
		t.Errorf("one file is there and one is skipped: got %d files, skipped %+v", s.Files, s.Skipped)
	}
}

// TestManyNodesJoin has nodes join while the bucket changes.
func TestManyNodesJoin(t *testing.T) {
	c := newScene(t, 0)

	var writer sync.WaitGroup

	writer.Go(func() {
		for i := range 200 {
			c.w.Store.Put(bucket, fmt.Sprintf("loras/%02d", i%20), c.w.Fresh(5000))
		}
	})

	for range 20 {
		if _, err := c.w.Join(); err != nil {
			t.Fatal(err)
		}
	}

	writer.Wait()
	c.settle()
}
