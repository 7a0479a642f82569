package objects

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Karpenter's API groups.
const (
	groupPools   = "karpenter.sh"
	groupClasses = "karpenter.k8s.aws"
)

// foreground is the finalizer that makes a delete without a policy a foreground
// delete.
const foreground = "foregroundDeletion"

// A claim is what Karpenter has made for a NodePool.
type claim struct {
	class string
	// leaves is when the node is gone, once its NodePool went.
	leaves  time.Duration
	leaving bool
}

// karpenters are ready soon when Karpenter runs. A NodePool gets its first node
// by then, which is as early as it can be in anyone's way.
func karpenters(c *cluster, t *thing, o map[string]any) time.Duration {
	if !c.karpenterRuns() {
		setStatus(o, nil, map[string]any{}, conditionOf(typeReady, false, "AwaitingReconciliation"))
		return soon
	}

	left := t.changed + classReady - c.now()

	if kindOf(o) == kindNodePool && left <= 0 && !t.deleting {
		u := &unstructured.Unstructured{Object: o}
		class, _, _ := unstructured.NestedString(o, "spec", "template", "spec", "nodeClassRef", "name")

		if c.claims[u.GetName()] == nil {
			c.claims[u.GetName()] = &claim{class: class}
		}
	}

	if left > 0 {
		setStatus(o, nil, map[string]any{}, conditionOf(typeReady, false, "AwaitingReconciliation"))
		return left
	}

	setStatus(o, nil, map[string]any{}, conditionOf(typeReady, true, typeReady))

	return 0
}

// karpenterRuns: its chart is installed, and there are nodes for it to run on.
func (c *cluster) karpenterRuns() bool {
	_, nodes := c.nodesSince()

	for _, r := range c.releases {
		if r.chart == chartKarpenter && r.deployed(c) && !r.uninstalling {
			return nodes
		}
	}

	return false
}

// gone tells whether an object that is to be deleted is. What Karpenter has a
// finalizer on goes only while Karpenter runs.
func (c *cluster) gone(i id, t *thing) bool {
	switch {
	case i.group == groupPools && i.kind == kindNodePool:
		c.drain(i.name)

		finalizers, _, _ := unstructured.NestedStringSlice(t.manifest, "metadata", "finalizers")

		// Garbage collection takes the claims along, first or after.
		return !slices.Contains(finalizers, foreground) || c.claims[i.name] == nil
	case i.group == groupClasses && i.kind == "EC2NodeClass":
		for pool := range c.claims {
			c.drain(pool)
		}

		for _, cl := range c.claims {
			if cl.class == i.name {
				return false
			}
		}

		return c.karpenterRuns()
	case i.group == "" && i.kind == kindNamespace:
		for in := range c.things {
			if in.namespace == i.name && !c.gone(in, c.things[in]) {
				return false
			}
		}

		return true
	default:
		return true
	}
}

// drain takes a NodePool's node away once the pool is to go.
func (c *cluster) drain(pool string) {
	cl := c.claims[pool]
	if cl == nil || !c.karpenterRuns() {
		return
	}

	if t := c.things[id{group: groupPools, kind: kindNodePool, name: pool}]; t != nil && !t.deleting {
		return
	}

	if !cl.leaving {
		cl.leaving, cl.leaves = true, c.now()+nodeLeaves
	}

	if c.now() >= cl.leaves {
		delete(c.claims, pool)
	}
}
