package main

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/resource"
	"github.com/crossplane/function-sdk-go/resource/composed"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire/wiretest"
)

// TestEncoding holds what is sent to what the SDK would send. Every object that
// any example is made of is read back into its type, and encoded both ways: both
// are what was sent.
func TestEncoding(t *testing.T) {
	seen, kinds := 0, map[schema.GroupVersionKind]bool{}

	everyWave(t, func(t *testing.T, _ *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()

		for k, r := range rsp.GetDesired().GetResources() {
			u := &unstructured.Unstructured{Object: r.GetResource().AsMap()}
			if !composed.Scheme.Recognizes(u.GroupVersionKind()) || strings.HasSuffix(u.GroupVersionKind().Group, ".m.crossplane.io") {
				continue
			}

			typed := newOf(t, u.GroupVersionKind())

			b, err := json.Marshal(u.Object)
			if err != nil {
				t.Fatal(err)
			}

			if err := json.Unmarshal(b, typed); err != nil {
				t.Fatal(err)
			}

			want, got := bothWays(t, typed)
			if !proto.Equal(want, got) || !proto.Equal(r.GetResource(), got) {
				t.Fatalf("%s: -sent, +encoded:\n%s\n-by the SDK, +by us:\n%s", k,
					cmp.Diff(r.GetResource().AsMap(), got.AsMap()), cmp.Diff(want.AsMap(), got.AsMap()))
			}

			seen++
			kinds[u.GroupVersionKind()] = true
		}
	})

	if seen < 1000 || len(kinds) < 50 {
		t.Errorf("encoded %d objects of %d kinds, and expected more", seen, len(kinds))
	}

	// And what no example says: the same kinds, filled at random.
	for gvk := range kinds {
		for seed := range uint64(3) {
			typed := newOf(t, gvk)
			wiretest.Fill(rand.New(rand.NewPCG(seed, 3)), typed)

			if want, got := bothWays(t, typed); !proto.Equal(want, got) {
				t.Errorf("%s, seed %d: -by the SDK, +by us:\n%s", gvk, seed, cmp.Diff(want.AsMap(), got.AsMap()))
			}
		}
	}
}

func newOf(t *testing.T, gvk schema.GroupVersionKind) runtime.Object {
	t.Helper()

	o, err := composed.Scheme.New(gvk)
	if err != nil {
		t.Fatal(err)
	}

	return o
}

// bothWays encodes an object by the SDK and by us, without what nobody applies.
func bothWays(t *testing.T, o runtime.Object) (sdk, us *structpb.Struct) {
	t.Helper()

	u, err := composed.From(o)
	if err != nil {
		t.Fatal(err)
	}

	delete(u.Object, "status")
	unstructured.RemoveNestedField(u.Object, "spec", "initProvider")

	if sdk, err = resource.AsStruct(u); err != nil {
		t.Fatal(err)
	}

	if us, err = wire.Intent("status", "metadata.generation", "spec.initProvider").Struct(o); err != nil {
		t.Fatal(err)
	}

	if len(wire.Get(us, "metadata").GetStructValue().GetFields()) == 0 {
		delete(us.GetFields(), "metadata")
	}

	return sdk, us
}
