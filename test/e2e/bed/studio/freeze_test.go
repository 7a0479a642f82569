package studio

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestFreeze makes one kind after another unready, with nothing else changed.
// Each time the claim must say that it is not Ready, and be Ready again after:
// readiness comes from each resource's own condition.
func TestFreeze(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(map[string]any{"kubernetes": map[string]any{"adminPrincipals": []any{"arn:aws:iam::123456789012:role/platform"}}})
	s.awaitReady()

	kinds := map[schema.GroupKind]bool{}

	for _, o := range s.composed() {
		kinds[o.GroupVersionKind().GroupKind()] = true
	}

	byName := func(a, b schema.GroupKind) int { return strings.Compare(a.String(), b.String()) }
	for _, k := range slices.SortedFunc(maps.Keys(kinds), byName) {
		if why, ok := unfreezable()[k.Kind]; ok {
			t.Logf("%s is not frozen: %s", k.Kind, why)
			continue
		}

		t.Run(k.Kind, func(t *testing.T) {
			s := s
			s.t = t

			// The double of provider-kubernetes has no group in AWS.
			group := ""
			if strings.HasSuffix(k.Group, ".aws.m.upbound.io") {
				group = "group=" + k.Group + ","
			}

			plant(t, group+"kind="+k.Kind+",namespace="+s.namespace+",operation=status,mode=freeze")
			s.awaitNotReady()
			mend()
			s.awaitReady()
		})
	}

	s.delete()
}

// unfreezable are the kinds that the simulated AWS has no hand in.
func unfreezable() map[string]string {
	return map[string]string{
		"Secret":         "it has no Ready condition either",
		"ProviderConfig": "it has no Ready condition and counts as ready once it exists, see readyOnceSeen in fn.go",
		"Usage":          "Crossplane's own; its condition is set by the core",
	}
}
