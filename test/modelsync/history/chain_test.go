package history_test

import (
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/command"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/history"
)

// connected makes a scene whose nodes are told by the chain, and by nothing else.
func connected(t *testing.T, loss history.Loss) (scene, *history.Chain) {
	t.Helper()

	chain, err := history.NewChain(lambda, 20*time.Millisecond, loss)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(chain.Close)

	w, err := history.NewWorld(never, 0)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(w.Close)
	w.Connect(chain)

	n, err := w.Join()
	if err != nil {
		t.Fatal(err)
	}

	c := scene{t: t, w: w, n: n}
	c.settle()

	return c, chain
}

// TestChain is all the way from a change to the node: event, queue, mapping, the
// real Lambda, Systems Manager, the daemon. Nodes look by themselves in an hour.
func TestChain(t *testing.T) {
	c, chain := connected(t, history.Loss{Junk: 1, Repeat: 0.5})

	c.put("loras/a", 1000)
	c.equal("an upload is told")

	c.put("loras/a", 1000)
	c.equal("a replacement is told")

	c.put("loras/odd %zz+ü", 1000)
	c.equal("an upload with an odd key is told")

	c.w.Store.Copy(bucket, "loras/a", "loras/b")
	c.w.Store.Delete(bucket, "loras/a")
	c.equal("a rename is told")

	c.w.Store.Expire(bucket, "loras/b")
	c.equal("what a life cycle deletes is told")

	if dead := chain.Queue.Dead(); len(dead) > 0 {
		t.Errorf("what is no event is no reason to come back: %d dead letters", len(dead))
	}
}

// TestThrottled has Systems Manager refuse for a while: events stay in the queue
// and come again.
func TestThrottled(t *testing.T) {
	c, chain := connected(t, history.Loss{})

	chain.Commands.Refuse("ThrottlingException")
	c.put("loras/a", 1000)

	for chain.Commands.Refusals() < 2 {
		time.Sleep(time.Millisecond)
	}

	chain.Commands.Refuse("")
	c.equal("what was refused is told later")
}

// TestDown is a node whose daemon is down when it is told: the command fails
// there, reaches the others all the same, and the node looks when it is up.
func TestDown(t *testing.T) {
	c, chain := connected(t, history.Loss{})

	other, err := c.w.Join()
	if err != nil {
		t.Fatal(err)
	}

	c.settle()

	if err := other.Down(); err != nil {
		t.Fatal(err)
	}

	c.put("loras/a", 1000)

	for len(chain.Commands.Sent()) == 0 || chain.Commands.Sent()[0].Statuses()[other.Name] != command.Failed {
		time.Sleep(time.Millisecond)
	}

	if err := other.Up(); err != nil {
		t.Fatal(err)
	}

	c.equal("who is up again looks by itself")
}
