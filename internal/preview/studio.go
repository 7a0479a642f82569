package preview

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/resource"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/offline"
)

// maxRounds is many more than any studio needs.
const maxRounds = 60

// A Studio is a claim with what there is of it.
type Studio struct {
	Claim    *unstructured.Unstructured
	Observed map[string]map[string]any
}

// Render is one round, or all rounds until the studio is ready.
func (s *Studio) Render(ctx context.Context, f *Function, all bool) (Rendering, error) {
	if s.Observed == nil {
		s.Observed = map[string]map[string]any{}
	}

	for range maxRounds {
		rsp, err := s.round(ctx, f)
		if err != nil {
			return nil, err
		}

		desired := rsp.GetDesired().GetResources()
		ready := rsp.GetDesired().GetComposite().GetReady() == fnv1.Ready_READY_TRUE && len(desired) == len(s.Observed)

		if !all || ready {
			return s.rendering(desired), nil
		}

		s.apply(rsp, f)
	}

	return nil, s.notReady(ctx, f)
}

func (s *Studio) round(ctx context.Context, f *Function) (*fnv1.RunFunctionResponse, error) {
	composite, err := resource.AsStruct(s.Claim)
	if err != nil {
		return nil, fmt.Errorf("cannot send the claim: %w", err)
	}

	req := &fnv1.RunFunctionRequest{
		Meta:     &fnv1.RequestMeta{Tag: "render"},
		Observed: &fnv1.State{Composite: &fnv1.Resource{Resource: composite}, Resources: map[string]*fnv1.Resource{}},
	}

	for k, o := range s.Observed {
		r, err := resource.AsStruct(&unstructured.Unstructured{Object: o})
		if err != nil {
			return nil, fmt.Errorf("cannot send observed resource %s: %w", k, err)
		}

		req.Observed.Resources[k] = &fnv1.Resource{Resource: r}
	}

	return f.compose(ctx, req)
}

// apply makes what a round desires, all of it and at once.
func (s *Studio) apply(rsp *fnv1.RunFunctionResponse, f *Function) {
	if status := rsp.GetDesired().GetComposite().GetResource().AsMap()["status"]; status != nil {
		s.Claim.Object["status"] = status
	}

	was := s.Observed
	s.Observed = map[string]map[string]any{}

	for k, r := range rsp.GetDesired().GetResources() {
		o := offline.Ready(k, r.GetResource().AsMap(), f.release)
		// What was observed already has the name that it has.
		if old, ok := was[k]; ok {
			o["metadata"] = old["metadata"]
		}

		s.Observed[k] = o
	}
}

func (s *Studio) rendering(desired map[string]*fnv1.Resource) Rendering {
	var out Rendering

	for _, k := range slices.Sorted(maps.Keys(desired)) {
		out = append(out, Resource{Key: k, Object: s.asApplied(k, desired[k].GetResource())})
	}

	return out.withoutSecrets()
}

// asApplied is the object as Crossplane would apply it.
func (s *Studio) asApplied(key string, from *structpb.Struct) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: from.AsMap()}
	o.SetNamespace(s.Claim.GetNamespace())

	annotations := o.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}

	annotations[KeyAnnotation] = key
	o.SetAnnotations(annotations)

	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}

	labels["crossplane.io/composite"] = s.Claim.GetName()
	o.SetLabels(labels)

	return o
}

// notReady tells where it hangs, in the words of the claim's conditions.
func (s *Studio) notReady(ctx context.Context, f *Function) error {
	rsp, err := s.round(ctx, f)
	if err != nil {
		return err
	}

	errs := []error{fmt.Errorf("the studio is not ready after %d rounds", maxRounds)}

	for _, c := range rsp.GetConditions() {
		if c.GetStatus() != fnv1.Status_STATUS_CONDITION_TRUE {
			errs = append(errs, fmt.Errorf("%s: %s", c.GetType(), strings.TrimSpace(c.GetReason()+" "+c.GetMessage())))
		}
	}

	return errors.Join(errs...)
}
