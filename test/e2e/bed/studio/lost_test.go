package studio

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
)

// leastWaves is how many waves a creation has at least: the network's and the
// cluster's chains are longer. With fewer, TestLostAtEveryWave saw nothing.
const leastWaves = 6

// TestLostAtEveryWave takes every managed resource's status away each time that
// the function has composed more than before. Nothing may be deleted for it.
func TestLostAtEveryWave(t *testing.T) {
	s := newStudio(t)
	t.Cleanup(mend)
	s.apply(small(nil))

	waves := 0

	for most := 0; ; waves++ {
		s.await(func(o *unstructured.Unstructured) error {
			if n := s.mostDesired(); n > most || conditionOf(o, "Ready")["status"] == "True" {
				return nil
			}

			return fmt.Errorf("has composed %d resources and no more", most)
		})

		if conditionOf(s.get(), "Ready")["status"] == "True" {
			break
		}

		most = s.mostDesired()
		before := s.made(most)

		s.loseStatus()
		s.kept(before)
	}

	s.awaitReady()
	s.neverShrinks()

	if waves < leastWaves {
		t.Errorf("the statuses were lost at %d waves, want at least %d", waves, leastWaves)
	}

	t.Logf("%d waves", waves)
}

// TestLostWhenReady takes all statuses of a finished studio away. The claim is
// not Ready meanwhile, and goes on saying what it said.
func TestLostWhenReady(t *testing.T) {
	long(t)

	s := newStudio(t)
	t.Cleanup(mend)
	s.apply(small(nil))
	s.awaitReady()

	before, told := s.uids(), facts(s.get())
	if len(told) < len(factPaths()) {
		t.Errorf("a Ready studio tells %v, want all of %v", told, factPaths())
	}

	shared.Wire().Forget()
	plant(t, "namespace="+s.namespace+",operation=status,mode=lose-status")
	s.awaitNotReady()
	s.awaitBlind(0)
	mend()
	s.awaitReady()

	s.kept(before)
	s.neverShrinks()

	for i, r := range shared.Wire().RunsOf(s.namespace, s.name) {
		rsp, err := r.Response()
		if err != nil {
			t.Fatal(err)
		}

		o := &unstructured.Unstructured{Object: rsp.GetDesired().GetComposite().GetResource().AsMap()}
		if got := facts(o); !maps.Equal(told, got) {
			t.Errorf("run %d: the claim would say %v, want %v", i, got, told)
		}
	}
}

// factPaths are the fields of the status that only AWS can tell.
func factPaths() []string {
	return []string{
		"account", "cluster.name", "cluster.endpoint", "cluster.version", "cluster.securityGroupID",
		"network.vpcID", "network.egressIP", "buckets.models", "buckets.inputs", "buckets.outputs",
		"network.zoneIDs", "network.privateSubnetIDs",
	}
}

// facts are those that a claim tells.
func facts(o *unstructured.Unstructured) map[string]string {
	out := map[string]string{}

	for _, path := range factPaths() {
		v, ok, _ := unstructured.NestedFieldNoCopy(o.Object, append([]string{"status"}, strings.Split(path, ".")...)...)
		if text := fmt.Sprint(v); ok && text != "" && text != "[]" {
			out[path] = text
		}
	}

	return out
}

// loseStatus takes all statuses away until the function has seen that, and gives
// them back.
func (s studio) loseStatus() {
	s.t.Helper()

	seen := len(shared.Wire().RunsOf(s.namespace, s.name))

	plant(s.t, "namespace="+s.namespace+",operation=status,mode=lose-status")
	s.awaitBlind(seen)
	mend()
}

// made waits until the API server holds at least n resources of the claim: the
// core creates what a run composed after that run. It returns their UIDs.
func (s studio) made(n int) map[string]types.UID {
	s.t.Helper()

	var uids map[string]types.UID

	s.await(func(*unstructured.Unstructured) error {
		uids = s.uids()
		if len(uids) < n {
			return fmt.Errorf("has %d of the %d resources that were composed", len(uids), n)
		}

		return nil
	})

	return uids
}

// awaitBlind waits for a run in which no managed resource had a status.
func (s studio) awaitBlind(after int) {
	s.t.Helper()

	s.await(func(*unstructured.Unstructured) error {
		runs := shared.Wire().RunsOf(s.namespace, s.name)
		for _, r := range runs[after:] {
			if s.request(r).blind() {
				return nil
			}
		}

		return fmt.Errorf("the function saw a status in each of %d runs", len(runs)-after)
	})
}

type request struct{ *fnv1.RunFunctionRequest }

func (s studio) request(r wire.Run) request {
	s.t.Helper()

	req, err := r.Request()
	if err != nil {
		s.t.Fatal(err)
	}

	return request{req}
}

// blind says whether there are managed resources and none has a status.
func (r request) blind() bool {
	n := 0

	for _, o := range r.GetObserved().GetResources() {
		m := o.GetResource().AsMap()
		if version, _ := m["apiVersion"].(string); !strings.Contains(version, ".aws.m.upbound.io/") {
			continue
		}

		if len(nested(m, "status")) > 0 {
			return false
		}

		n++
	}

	return n > 0
}

// mostDesired is how many resources the function has composed at most.
func (s studio) mostDesired() int {
	s.t.Helper()

	most := 0
	for _, m := range moments(s.t, shared.Wire().RunsOf(s.namespace, s.name)) {
		most = max(most, len(m.desired))
	}

	return most
}

// neverShrinks checks that no run left out what the run before had composed, and
// that none failed.
func (s studio) neverShrinks() {
	s.t.Helper()

	before := map[string]bool{}

	for i, r := range shared.Wire().RunsOf(s.namespace, s.name) {
		rsp, err := r.Response()
		if err != nil {
			s.t.Fatal(err)
		}

		for _, res := range rsp.GetResults() {
			if res.GetSeverity() == fnv1.Severity_SEVERITY_FATAL {
				s.t.Errorf("run %d: %s", i, res.GetMessage())
			}
		}

		now := map[string]bool{}
		for k := range rsp.GetDesired().GetResources() {
			now[k] = true
		}

		for k := range before {
			if !now[k] {
				s.t.Errorf("run %d: %s was composed before and is not any more", i, k)
			}
		}

		before = now
	}
}
