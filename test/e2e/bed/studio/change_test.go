package studio

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestChange changes a live claim, one field at a time. Only what must change
// does, and nothing is made twice or deleted.
func TestChange(t *testing.T) {
	s := newStudio(t)
	zones := []any{"apne1-az1", "apne1-az4"}
	spec := map[string]any{"network": map[string]any{"zoneIDs": zones}}
	s.apply(spec)
	s.awaitReady()

	t.Run("Tag", func(t *testing.T) {
		spec["tags"] = map[string]any{"team": "art"}
		s := s.changed(t, spec, everyTag("team", "art"))

		for _, c := range s.calls() {
			if c.Create+c.Delete > 0 {
				t.Errorf("%s %s: %d creates and %d deletes, want none", c.Kind, c.Name, c.Create, c.Delete)
			}
		}
	})

	t.Run("Zone", func(t *testing.T) {
		before := s.composed()
		spec["network"] = map[string]any{"zoneIDs": append(zones, "apne1-az2")}
		s := s.changed(t, spec, hasKeys("network-private-subnet-apne1-az2", "network-private-routes-apne1-az2"))

		// Karpenter may launch there too. The cluster and the load balancer stay where
		// they are.
		want := difference{
			Added: []string{
				"network-private-routes-apne1-az2", "network-private-subnet-apne1-az2",
				"usage-network-private-routes-apne1-az2-by-capacity-karpenter",
				"usage-network-private-subnet-apne1-az2-by-network-private-routes-apne1-az2",
			},
			Written: []string{"capacity-karpenter-policy", "capacity-node-class-default"},
		}
		if diff := cmp.Diff(want, differenceOf(before, s.composed())); diff != "" {
			t.Errorf("composed resources: -want, +got:\n%s", diff)
		}
	})

	t.Run("AdminComesAndGoes", func(t *testing.T) {
		before := slices.Sorted(maps.Keys(s.composed()))
		spec["kubernetes"] = map[string]any{"adminPrincipals": []any{"arn:aws:iam::123456789012:role/platform"}}
		s.changed(t, spec, func(all map[string]*unstructured.Unstructured) error {
			if len(all) != len(before)+2 {
				return fmt.Errorf("%d resources, want %d", len(all), len(before)+2)
			}

			return nil
		})

		delete(spec, "kubernetes")
		s.changed(t, spec, func(all map[string]*unstructured.Unstructured) error {
			if diff := cmp.Diff(before, slices.Sorted(maps.Keys(all))); diff != "" {
				return fmt.Errorf("keys: -want, +got:\n%s", diff)
			}

			return nil
		})
	})

	s.delete()
}

// changed applies a spec, counts calls from then on, and waits until the
// composed resources satisfy and the claim is Ready.
func (s studio) changed(t *testing.T, spec map[string]any, satisfies func(map[string]*unstructured.Unstructured) error) studio {
	t.Helper()

	s.t = t
	shared.Cloud().ResetCalls()
	s.apply(spec)

	if satisfies != nil {
		s.await(func(*unstructured.Unstructured) error { return satisfies(s.composed()) })
	}

	s.awaitReady()

	return s
}

// everyTag is satisfied when AWS has the tag wherever there are tags.
func everyTag(key, value string) func(map[string]*unstructured.Unstructured) error {
	return func(all map[string]*unstructured.Unstructured) error {
		for k, o := range all {
			tags, ok, _ := unstructured.NestedStringMap(o.Object, "spec", "forProvider", "tags")
			// An object in S3 has ten tags at most, so a build's context has the
			// studio's alone.
			if !ok || o.GetObjectKind().GroupVersionKind().Kind == "Object" {
				continue
			}

			live, _, _ := unstructured.NestedStringMap(o.Object, "status", "atProvider", "tags")
			if tags[key] != value || (live != nil && live[key] != value) {
				return fmt.Errorf("%s has the tags %v, and in AWS %v", k, tags, live)
			}
		}

		return nil
	}
}

func hasKeys(keys ...string) func(map[string]*unstructured.Unstructured) error {
	return func(all map[string]*unstructured.Unstructured) error {
		for _, k := range keys {
			if all[k] == nil {
				return fmt.Errorf("%s is not composed", k)
			}
		}

		return nil
	}
}
