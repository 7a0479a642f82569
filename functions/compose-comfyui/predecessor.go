package main

import (
	"fmt"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/request"
	"github.com/crossplane/function-sdk-go/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// A claim may be applied while the studio of the same name that was there before
// is still being deleted. Crossplane shows a claim what it has composed itself and
// nothing else, so as long as that is nothing, the function asks for what carries
// its name.

// predecessors counts what is left of the studio before.
func predecessors(req *fnv1.RunFunctionRequest, claim *resource.Composite) (int, error) {
	required, err := request.GetRequiredResources(req)
	if err != nil {
		return 0, fmt.Errorf("cannot read what is left of a previous studio: %w", err)
	}

	var found []*unstructured.Unstructured

	for _, kind := range required {
		for _, r := range kind {
			found = append(found, r.Resource)
		}
	}

	return kit.Predecessors(&claim.Resource.Unstructured, found), nil
}

// requirePredecessors asks for the resources of a claim's name, of all kinds. They
// come with the next request, which Crossplane sends at once.
func requirePredecessors(rsp *fnv1.RunFunctionResponse, claim *resource.Composite, kinds []schema.GroupVersionKind) {
	namespace := claim.Resource.GetNamespace()
	selectors := make(map[string]*fnv1.ResourceSelector, len(kinds))

	for _, gvk := range kinds {
		selectors["previous "+gvk.GroupKind().String()] = &fnv1.ResourceSelector{
			ApiVersion: gvk.GroupVersion().String(),
			Kind:       gvk.Kind,
			Namespace:  &namespace,
			Match: &fnv1.ResourceSelector_MatchLabels{MatchLabels: &fnv1.MatchLabels{
				Labels: map[string]string{kit.OwnerLabel: claim.Resource.GetName()},
			}},
		}
	}

	rsp.Requirements = &fnv1.Requirements{Resources: selectors}
}
