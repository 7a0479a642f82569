package studio

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// TestProviderRestartedInTheMiddle restarts the provider while AWS makes what it
// names itself. The provider has then lost the id and is refused for ever. The
// claim says so and names a runbook; what that says to do makes the studio Ready.
func TestProviderRestartedInTheMiddle(t *testing.T) {
	long(t)

	cases := map[string]struct {
		spec map[string]any
		// key and kind are what is being made when the provider is restarted, beside
		// the cluster, which is found again by its name.
		key, kind string
		// condition is False and names a runbook.
		condition, runbook string
	}{
		"Network":      {small(nil), "network-nat", "NATGateway", "NetworkReady", "docs/runbooks/provider-restart.md"},
		"LoadBalancer": {small(nil), "edge-load-balancer", "LB", "EdgeReady", "docs/runbooks/edge.md"},
		"VPCOrigin":    {withImage(nil), "edge-vpc-origin", "VPCOrigin", "EdgeReady", "docs/runbooks/edge.md"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStudio(t)
			t.Cleanup(mend)

			// It begins when all else has settled, and AWS does not get done with it.
			this := "namespace=" + s.namespace + ",kind=" + tc.kind + ",operation=create,mode="
			plant(t, "namespace="+s.namespace+","+clusterNeverActive)
			plant(t, this+"fail,message=not yet")
			plant(t, this+"never")

			s.apply(tc.spec)
			s.await(func(*unstructured.Unstructured) error { return s.settledBut("cluster-eks", s.keyOf(tc.key)) })
			shared.Cloud().StopFailing()
			s.begins(tc.kind)

			if err := shared.RestartProvider(); err != nil {
				t.Fatal(err)
			}

			s.await(func(o *unstructured.Unstructured) error {
				c := conditionOf(o, tc.condition)
				if c["reason"] != "Failed" || !strings.Contains(fmt.Sprint(c["message"]), tc.runbook) {
					return fmt.Errorf("%s does not name %s: %v", tc.condition, tc.runbook, c)
				}

				return nil
			})
			s.tellID(s.keyOf(tc.key))

			mend()
			s.awaitReady()
			once(t, s.left())
			s.delete()
			s.leavesNothingElse()
		})
	}
}

// begins waits until AWS makes one of a kind. It is quick to notice: the provider
// writes the id down when it gives up waiting, which for some is a few seconds later.
func (s studio) begins(kind string) {
	s.t.Helper()

	for since := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		for _, e := range s.left() {
			if e.Kind == kind && e.State == cloud.StateCreating {
				return
			}
		}

		if time.Since(since) > patience {
			s.t.Fatalf("AWS makes no %s", kind)
		}
	}
}

// tellID does what the runbooks say: it writes down the id that AWS has given.
func (s studio) tellID(key string) {
	s.t.Helper()

	e, o := s.inAWS(key), s.composed()[key]
	if e == nil || o == nil {
		s.t.Fatalf("%s is not in AWS", key)
	}

	id := e.ID
	if e.Kind == "LB" {
		id = e.ARN
	}

	s.patchObject(o, fmt.Sprintf(`{"metadata":{"annotations":{"crossplane.io/external-name":%q}}}`, id))
}
