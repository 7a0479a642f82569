package provider

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// policies are spec.managementPolicies.
type policies []string

func policiesOf(u *unstructured.Unstructured) policies {
	p, found, _ := unstructured.NestedStringSlice(u.Object, "spec", "managementPolicies")
	if !found {
		return policies{"*"}
	}
	return p
}

func (p policies) may(action string) bool {
	return slices.Contains(p, "*") || slices.Contains(p, action)
}

func (p policies) onlyObserve() bool { return len(p) == 1 && p[0] == "Observe" }

func (p policies) paused() bool { return len(p) == 0 }
