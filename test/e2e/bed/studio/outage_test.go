package studio

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// stuck are resources that a creation is held up at, one of each part, in the
// order in which they come.
var stuck = []struct{ condition, key string }{
	{"NetworkReady", "network-nat"},
	{"StorageReady", "storage-models"},
	{"ImageReady", "image-agent-repository"},
	{"ClusterReady", "cluster-eks"},
	{"CapacityReady", "capacity-queue"},
	{"ModelSyncReady", "modelsync-function"},
	{"WorkloadReady", "workload-namespace"},
	{"EdgeReady", "edge-load-balancer"},
}

// TestOneNeverReady holds up one resource of each part. The part's condition names
// it for as long as that lasts; nothing is deleted, and the studio ends Ready.
func TestOneNeverReady(t *testing.T) {
	long(t)

	s := newStudio(t)
	t.Cleanup(mend)

	hold := func(from int) {
		for _, h := range stuck[from:] {
			plant(t, "namespace="+s.namespace+",name=tokyo-*-"+h.key+",operation=status,mode=freeze")
		}
	}

	hold(0)
	s.apply(small(nil))

	for i, h := range stuck {
		s.await(func(o *unstructured.Unstructured) error {
			c := conditionOf(o, h.condition)
			if c["status"] != "False" || !strings.Contains(fmt.Sprint(c["message"]), h.key) {
				return fmt.Errorf("%s does not name %s: %v", h.condition, h.key, c)
			}

			return nil
		})

		if c := conditionOf(s.get(), "Ready"); c["status"] == "True" {
			t.Errorf("the claim is Ready although %s is not", h.key)
		}

		mend()
		hold(i + 1)
	}

	before := s.uids()

	s.awaitReady()
	s.kept(before)
	s.neverShrinks()
	s.delete()
}

// TestThrottled has AWS refuse every call of a quarter of an hour.
func TestThrottled(t *testing.T) {
	long(t)

	s := newStudio(t)
	t.Cleanup(mend)
	plant(t, "namespace="+s.namespace+",mode=throttle,for=15m")
	s.apply(small(nil))

	s.await(func(o *unstructured.Unstructured) error {
		if c := conditionOf(o, "NetworkReady"); c["reason"] != "Failed" || !strings.Contains(fmt.Sprint(c["message"]), "ThrottlingException") {
			return fmt.Errorf("NetworkReady does not tell of the throttling: %v", c)
		}

		return nil
	})

	before := s.uids()

	s.awaitReady()
	s.kept(before)
	s.neverShrinks()
	s.delete()
}

// TestProviderAnHourAway stops the provider for an hour, once while the cluster is
// being made and once when the studio is Ready.
func TestProviderAnHourAway(t *testing.T) {
	long(t)

	s := newStudio(t)
	t.Cleanup(mend)
	plant(t, "namespace="+s.namespace+","+clusterNeverActive)
	s.apply(small(nil))
	s.await(func(*unstructured.Unstructured) error { return onlyTheClusterIsBeingMade(s) })

	before := s.uids()

	s.anHourAway(func() error {
		c := conditionOf(s.get(), "ClusterReady")
		if c["status"] == "True" || !strings.Contains(fmt.Sprint(c["message"]), "cluster-eks") {
			return fmt.Errorf("ClusterReady does not name the cluster: %v", c)
		}

		return nil
	})
	s.awaitReady()
	s.kept(before)

	before = s.uids()

	s.anHourAway(func() error {
		if c := conditionOf(s.get(), "Ready"); c["status"] != "True" {
			return fmt.Errorf("is not Ready any more: %v", c)
		}

		return nil
	})
	s.awaitReady()
	s.kept(before)
	s.neverShrinks()
	s.delete()
}

// anHourAway stops the provider for an hour, and looks before it comes back.
func (s studio) anHourAway(look func() error) {
	s.t.Helper()

	shared.StopProvider()
	// AWS gets done with what it is at.
	mend()

	err := shared.Cloud().Clock().Sleep(s.t.Context(), time.Hour)
	if err == nil {
		err = look()
	}

	// Also when that fails: the tests that follow need it.
	if err := errors.Join(err, shared.StartProvider()); err != nil {
		s.t.Fatal(err)
	}
}
