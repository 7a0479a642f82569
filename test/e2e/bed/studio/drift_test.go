package studio

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// TestDrift deletes and changes resources behind our back, at least one of each
// service. All come back, and the studio ends as it was.
func TestDrift(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(withImage(nil))
	s.awaitReady()

	deleted := []string{
		"cluster-s3-driver-policy", "network-s3-endpoint-routes", "storage-inputs-lifecycle", "capacity-queue-policy",
		"capacity-target-spot", "cluster-addon-coredns", "image-agent-repository-lifecycle", "image-build-project-agent",
		"image-build-logs-agent", "modelsync-event-source", "workload-front-door-secret", "edge-listener",
	}
	changed := []string{"network-vpc", "edge-load-balancer", "edge-distribution", "capacity-queue", "cluster-role", "modelsync-function"}

	before := s.uids()
	made := map[string]float64{}

	for _, k := range deleted {
		r, e := s.resource(k)
		made[k] = e.Created

		if err := shared.Cloud().Delete(cloud.Call{Kind: r.Kind, Name: r.Name, ID: r.ID, Args: r.Args}); err != nil {
			t.Fatalf("cannot delete %s behind our back: %v", k, err)
		}
	}

	for _, k := range changed {
		r, e := s.resource(k)
		args := r.Args.Copy()
		args["tags"] = map[string]any{"comfyui-studio": "somebody-else"}

		call := cloud.Call{Kind: r.Kind, Owner: cloud.Owner{Namespace: e.Namespace, Name: e.Name}, Name: r.Name, ID: r.ID, Args: args}
		if _, err := shared.Cloud().Update(call); err != nil {
			t.Fatalf("cannot change %s behind our back: %v", k, err)
		}
	}

	for _, k := range deleted {
		s.await(func(*unstructured.Unstructured) error {
			e := s.inAWS(k)
			if e == nil || e.Created <= made[k] || e.State != cloud.StateActive {
				return fmt.Errorf("%s is not back: %v", k, e)
			}

			return nil
		})
	}

	for _, k := range changed {
		s.await(func(*unstructured.Unstructured) error {
			r, _ := s.resource(k)
			if got := fmt.Sprint(r.Args["tags"]); !strings.Contains(got, s.namespace+"/"+s.name) {
				return fmt.Errorf("%s still has the tags %s", k, got)
			}

			return nil
		})
	}

	s.awaitReady()
	s.same(before)

	t.Run("Object", func(t *testing.T) {
		s := s
		s.t = t
		s.objectComesBack("workload-network-deny")
	})

	s.delete()
}

// objectComesBack deletes a composed Object by hand.
func (s studio) objectComesBack(key string) {
	s.t.Helper()

	o := s.composed()[key]
	remove(s.t, o.GroupVersionKind(), s.namespace, o.GetName())

	s.await(func(*unstructured.Unstructured) error {
		now := s.composed()[key]
		if now == nil || now.GetUID() == o.GetUID() || conditionOf(now, "Ready")["status"] != "True" {
			return fmt.Errorf("%s is not back", key)
		}

		return nil
	})
	s.awaitReady()
}

// resource is what a composed resource owns in AWS, with what AWS holds of it.
func (s studio) resource(key string) (cloud.Resource, cloud.Entry) {
	s.t.Helper()

	e := s.inAWS(key)
	if e == nil {
		s.t.Fatalf("%s is not in AWS", key)
	}

	for _, r := range shared.Cloud().List(cloud.KindOf(e.Group, e.Kind), e.Region) {
		if r.ID == e.ID {
			return r, *e
		}
	}

	s.t.Fatalf("AWS does not list %s", key)

	return cloud.Resource{}, cloud.Entry{}
}
