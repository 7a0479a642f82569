package studio

import (
	"context"
	"testing"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
)

// plant puts a fault into the simulated AWS. Faults that name a namespace hurt
// no other test and stay; mend ends them all.
func plant(t *testing.T, fault string) {
	t.Helper()

	f, err := cloud.ParseFault(fault)
	if err != nil {
		t.Fatal(err)
	}

	if err := shared.Cloud().SetFaults(f); err != nil {
		t.Fatal(err)
	}
}

func mend() { shared.Cloud().ClearFaults() }

// tamper changes what the function is shown of a namespace's studios.
func tamper(namespace string, change func(*fnv1.RunFunctionRequest)) wire.Hook {
	return func(ctx context.Context, req *fnv1.RunFunctionRequest, next wire.Next) (*fnv1.RunFunctionResponse, error) {
		meta := nested(req.GetObserved().GetComposite().GetResource().AsMap(), "metadata")
		if meta["namespace"] == namespace {
			change(req)
		}

		return next(ctx, req)
	}
}

// setReady gives an observed resource a Ready condition and no other.
func setReady(o *structpb.Struct, status string) {
	condition, err := structpb.NewValue(map[string]any{"type": "Ready", "status": status, "reason": "Pretended"})
	if err != nil {
		panic(err) // Strings always convert.
	}

	s := o.GetFields()["status"].GetStructValue()
	if s == nil {
		s = &structpb.Struct{Fields: map[string]*structpb.Value{}}
		o.Fields["status"] = structpb.NewStructValue(s)
	}

	s.Fields["conditions"] = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{condition}})
}

// discard deletes the claim without waiting.
func (s studio) discard() {
	s.t.Helper()
	s.claim().Delete(metav1.DeletePropagationBackground)
}
