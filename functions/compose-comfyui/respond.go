package main

import (
	"fmt"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/resource"
	"github.com/crossplane/function-sdk-go/response"
	"google.golang.org/protobuf/types/known/durationpb"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// answer is everything that the response is made from.
type answer struct {
	parts         []part
	claim         *v1alpha1.ComfyUIStudio
	observedClaim *resource.Composite
	plan          plan.Plan
	facts         facts.Facts
	observed      kit.Observed
	result        kit.Result
	kinds         func() []schema.GroupVersionKind
}

// respond writes the desired resources, their readiness, the conditions and the
// status.
func respond(rsp *fnv1.RunFunctionResponse, a answer) error {
	if rsp.GetDesired() == nil {
		rsp.Desired = &fnv1.State{}
	}

	if rsp.GetDesired().GetResources() == nil {
		rsp.Desired.Resources = make(map[string]*fnv1.Resource, len(a.result.Resources))
	}

	for k, o := range a.result.Resources {
		ready := fnv1.Ready_READY_FALSE
		if a.result.Ready[k] {
			ready = fnv1.Ready_READY_TRUE
		}

		rsp.Desired.Resources[string(k)] = &fnv1.Resource{Resource: o, Ready: ready}
	}

	xr, err := desiredClaim(a, rsp.GetDesired().GetComposite().GetResource().AsMap()["status"])
	if err != nil {
		return err
	}

	if err := response.SetDesiredCompositeResource(rsp, xr); err != nil {
		return fmt.Errorf("cannot write the claim's status: %w", err)
	}

	setConditions(rsp, a)

	if len(a.observed.Keys()) == 0 {
		requirePredecessors(rsp, a.observedClaim, a.kinds())
	}

	rsp.Meta.Ttl = durationpb.New(a.ttl())

	return nil
}

// ready says whether everything that the spec asks for exists and is ready.
// Crossplane would count what is composed only, and call a studio ready in which
// half the resources still wait.
func (a answer) ready() bool {
	if len(a.result.Waiting) > 0 {
		return false
	}

	for _, ready := range a.result.Ready {
		if !ready {
			return false
		}
	}

	for _, p := range a.parts {
		if a.says(p).holds {
			return false
		}
	}

	return true
}
