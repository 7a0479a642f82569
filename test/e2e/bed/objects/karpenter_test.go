package objects

import (
	"strings"
	"testing"
)

const (
	aNodePool  = `{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: gpu}, spec: {template: {spec: {nodeClassRef: {name: gpu}}}}}`
	aNodeClass = `{apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {name: gpu}}`
	byReady    = "readiness: {policy: DeriveFromObject}"
)

// TestKarpenter lets what it made go only while it runs, and not before its
// nodes have.
func TestKarpenter(t *testing.T) {
	for name, tc := range map[string]struct {
		reason string
		// pool is the NodePool's manifest.
		pool string
		// waits for its nodes, the pool.
		waits bool
		// alive is whether Karpenter is left running.
		alive bool
	}{
		"Background": {
			reason: "A NodePool need not wait for its nodes. The class does.",
			pool:   aNodePool,
			alive:  true,
		},
		"Foreground": {
			reason: "With the finalizer of a foreground delete it waits for its nodes itself.",
			pool:   strings.Replace(aNodePool, "{name: gpu}", "{name: gpu, finalizers: [foregroundDeletion]}", 1),
			waits:  true,
			alive:  true,
		},
		"Dead": {
			reason: "Without Karpenter its nodes run for ever, and the class with them. The pool goes all the same.",
			pool:   aNodePool,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Log(tc.reason)

			w := newWorkbench(t)
			w.makeNodes()

			release := w.chart("karpenter", ", wait: true")
			class := w.object("class", byReady, aNodeClass)
			pool := w.object("pool", byReady, tc.pool)

			w.await(class, isReadyNow)
			w.await(pool, isReadyNow)

			if !tc.alive {
				w.remove(release)
				w.await(release, isGone)
			}

			begin := w.aws.Clock().Now()

			w.remove(pool, class)
			w.await(pool, isGone)

			if took := w.aws.Clock().Now() - begin; tc.waits && took < nodeLeaves {
				t.Errorf("the NodePool was gone after %s, before its node, which takes %s", took, nodeLeaves)
			}

			if !tc.alive {
				w.remains(class)
				return
			}

			w.await(class, isGone)

			if took := w.aws.Clock().Now() - begin; took < nodeLeaves {
				t.Errorf("the EC2NodeClass was gone after %s, before its node, which takes %s", took, nodeLeaves)
			}
		})
	}
}
