package studio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

// TestRestarts ends one process after another while a studio is being made. Each
// time the studio must get Ready with what it had: nothing deleted, nothing made
// twice.
func TestRestarts(t *testing.T) {
	long(t)

	cases := map[string]struct {
		reason string
		// held makes AWS not get done with something before the restart.
		held string
		// moments at which it happens, one after another.
		moments []func(studio) error
		restart func(context.Context, studio) error
	}{
		"FunctionKilled": {
			reason:  "The function keeps nothing between two runs.",
			moments: []func(studio) error{exists("network-vpc"), exists("cluster-eks"), exists("cluster-system-nodes")},
			restart: func(ctx context.Context, s studio) error {
				return s.without(shared.KillFunction, func() error { return shared.StartFunction(ctx) })
			},
		},
		"CoreKilled": {
			reason:  "What the core has not written down it finds again.",
			moments: []func(studio) error{exists("network-vpc"), exists("cluster-eks"), exists("cluster-system-nodes")},
			restart: func(ctx context.Context, s studio) error {
				return s.without(shared.KillCore, func() error { return shared.StartCore(ctx) })
			},
		},
		"APIServerRestarted": {
			reason:  "All lose their watches, and what they meant to write.",
			moments: []func(studio) error{exists("cluster-eks"), exists("cluster-system-nodes")},
			restart: func(ctx context.Context, _ studio) error { return shared.RestartAPIServer(ctx) },
		},
		"ProviderRestarted": {
			reason:  "A cluster that is being made is found again by its name.",
			held:    clusterNeverActive,
			moments: []func(studio) error{onlyTheClusterIsBeingMade},
			restart: func(context.Context, studio) error { return shared.RestartProvider() },
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStudio(t)
			t.Cleanup(mend)

			if tc.held != "" {
				plant(t, "namespace="+s.namespace+","+tc.held)
			}

			s.apply(small(nil))

			for _, moment := range tc.moments {
				s.await(func(*unstructured.Unstructured) error { return moment(s) })

				before := s.uids()

				if c := conditionOf(s.get(), "Ready"); c["status"] == "True" {
					t.Fatalf("%s\nThe studio is Ready already, so nothing is interrupted.", tc.reason)
				}

				if err := tc.restart(t.Context(), s); err != nil {
					t.Fatalf("%s\nrestart(...): %v", tc.reason, err)
				}

				defer s.kept(before)
			}

			mend()
			s.awaitReady()
		})
	}
}

// exists is satisfied when a resource was accepted by AWS.
func exists(key string) func(studio) error {
	return func(s studio) error {
		if s.inAWS(key) == nil {
			return fmt.Errorf("%s is not in AWS yet", key)
		}

		return nil
	}
}

// clusterNeverActive has AWS make the cluster until the fault is mended. It would
// else be there before all the rest, on a machine that has much to do.
const clusterNeverActive = "kind=Cluster,operation=create,mode=never"

// onlyTheClusterIsBeingMade is the moment at which a restart of the provider can
// lose nothing: what AWS names, such as a NAT gateway, is lost when the provider
// goes while it is being made, and the real provider makes another.
func onlyTheClusterIsBeingMade(s studio) error { return s.onlyBeingMade("cluster-eks") }

// onlyBeingMade is satisfied when these are being made, and nothing else is that
// does not wait for them.
func (s studio) onlyBeingMade(keys ...string) error {
	for _, k := range keys {
		if e := s.inAWS(k); e == nil || e.State != cloud.StateCreating {
			return fmt.Errorf("%s is not being made", k)
		}
	}

	return s.settledBut(keys...)
}

// settledBut is satisfied when everything that does not wait for these is Ready.
func (s studio) settledBut(keys ...string) error {
	all := s.composed()

	// Also what has not been composed is still to be made.
	for _, k := range append([]string{"network-nat", "edge-load-balancer", "edge-target-group", "cluster-eks"}, keys...) {
		if all[k] == nil {
			return fmt.Errorf("%s is not composed yet", k)
		}
	}

	if !slices.Contains(keys, "network-nat") && all["network-private-egress"] == nil {
		return errors.New("the way out is not composed yet")
	}

	for k, o := range all {
		if c := conditionOf(o, "Ready"); !slices.Contains(keys, k) && !gate.HasNoCondition(o.Object) && !awaited(o) && c["status"] != "True" {
			return fmt.Errorf("%s is being made, too", k)
		}
	}

	return nil
}

// awaited says whether a resource only looks for what a build leaves behind.
func awaited(o *unstructured.Unstructured) bool {
	policies, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "managementPolicies")

	return len(policies) == 1 && policies[0] == "Observe"
}

// without ends something, lets AWS finish what it is at, and starts it again.
func (s studio) without(kill, start func() error) (err error) {
	s.t.Helper()

	if err := kill(); err != nil {
		return err
	}

	// Also when the wait fails: the tests that follow need it.
	defer func() { err = errors.Join(err, start()) }()

	s.await(func(*unstructured.Unstructured) error {
		for _, e := range s.left() {
			if e.State == cloud.StateCreating {
				return fmt.Errorf("AWS still makes %s", e.Name)
			}
		}

		return nil
	})

	return nil
}
