package main

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// everyWave calls check with the request and the response of every run that it
// takes to bring every example up.
func everyWave(t *testing.T, check func(t *testing.T, w *world, rsp *fnv1.RunFunctionResponse)) {
	t.Helper()

	for name, claim := range examples(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, claim)
			for range 20 {
				rsp := w.run()
				check(t, w, rsp)

				if len(w.observed) == len(rsp.GetDesired().GetResources()) && rsp.GetDesired().GetComposite().GetReady() == fnv1.Ready_READY_TRUE {
					return
				}

				w.apply(rsp)
			}

			t.Fatal("the studio never gets ready")
		})
	}
}

// TestDeterministic holds Compose to be pure: the same request gives the same
// bytes, whatever order maps come in.
func TestDeterministic(t *testing.T) {
	everyWave(t, func(t *testing.T, w *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()

		for range 5 {
			again := w.run()

			want, err := proto.MarshalOptions{Deterministic: true}.Marshal(rsp)
			if err != nil {
				t.Fatal(err)
			}

			got, err := proto.MarshalOptions{Deterministic: true}.Marshal(again)
			if err != nil {
				t.Fatal(err)
			}

			if string(want) != string(got) {
				t.Fatalf("two runs differ: -first, +second:\n%s", cmp.Diff(readable(t, rsp, nil), readable(t, again, nil)))
			}
		}
	})
}

// TestConcurrent holds runs apart: Crossplane calls for many studios at a time.
// With -race it also shows what they might share.
func TestConcurrent(t *testing.T) {
	const callers, runs = 8, 5

	w := newWorld(t, loadClaim(t, "testdata/claims/regional.yaml"))
	w.settle()

	f, want := newFunction(), bytesOf(t, w.run())
	got := make(chan []byte, callers*runs)

	req := w.request()

	for range callers {
		go func() {
			for range runs {
				rsp, err := f.RunFunction(context.Background(), req)
				if err != nil {
					t.Error(err)
				}

				got <- bytesOf(t, rsp)
			}
		}()
	}

	for range callers * runs {
		if !bytes.Equal(want, <-got) {
			t.Error("two runs of one request differ")
		}
	}
}

func bytesOf(t *testing.T, rsp *fnv1.RunFunctionResponse) []byte {
	t.Helper()

	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(rsp)
	if err != nil {
		t.Error(err)
	}

	return b
}

// TestNoShrink takes away, one at a time, the status of each observed resource
// and then the resource itself. Either the run is Fatal, or nothing else that is
// observed leaves the desired set or loses a field.
func TestNoShrink(t *testing.T) {
	everyWave(t, func(t *testing.T, w *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()

		for _, lost := range sortedKeys(w.observed) {
			for _, how := range []string{"status", "resource"} {
				hurt := newWorld(t, copyOf(t, w.claim))
				hurt.observed = maps.Clone(w.observed)
				delete(hurt.observed, lost)

				if how == "status" {
					o := copyOf(t, w.observed[lost])
					delete(o, "status")
					hurt.observed[lost] = o
				}

				got := hurt.run()
				if fatal(got) != "" {
					continue
				}

				for _, k := range sortedKeys(hurt.observed) {
					// A Usage leaves with what it protects, and makes nothing go.
					if strings.HasPrefix(k, kit.UsagePrefix) {
						continue
					}

					is := got.GetDesired().GetResources()[k]
					if is == nil {
						t.Errorf("%s of %s lost: %s leaves the desired set", how, lost, k)
						continue
					}

					was := rsp.GetDesired().GetResources()[k].GetResource().AsMap()
					if f := missing("", was, is.GetResource().AsMap()); f != "" {
						t.Errorf("%s of %s lost: %s loses %s", how, lost, k, f)
					}
				}
			}
		}
	})
}

// missing is the path of the first field of was that is has not, or empty.
func missing(path string, was, is map[string]any) string {
	for _, k := range sortedKeys(was) {
		v, ok := is[k]
		if !ok {
			return path + "." + k
		}

		a, _ := was[k].(map[string]any)
		b, _ := v.(map[string]any)

		if f := missing(path+"."+k, a, b); f != "" {
			return f
		}
	}

	return ""
}

// TestFixedPoint holds a finished studio still: observing what was applied and
// composing again changes nothing.
func TestFixedPoint(t *testing.T) {
	for name, claim := range examples(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, claim)
			all := w.settle()
			last := all[len(all)-1]
			w.apply(last)

			if again := w.run(); !proto.Equal(last, again) {
				t.Errorf("the studio does not stand still: -before, +after:\n%s", cmp.Diff(readable(t, last, nil), readable(t, again, nil)))
			}
		})
	}
}

// TestInventory holds the inventory complete: no key that it does not list, and
// none that no example composes.
func TestInventory(t *testing.T) {
	seen := map[string]bool{}

	everyWave(t, func(t *testing.T, _ *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()

		for k := range rsp.GetDesired().GetResources() {
			seen[k] = true
		}
	})

	golden(t, "testdata/keys.yaml", sortedKeys(seen))

	for _, k := range plan.Inventory() {
		if !seen[string(k)] {
			t.Errorf("the inventory lists %s, but no example composes it", k)
		}
	}
}

// TestEverywhere checks what every single object must carry, also for a claim
// with the longest name there can be.
func TestEverywhere(t *testing.T) {
	check := func(t *testing.T, w *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()

		names := map[string]string{}

		for _, k := range sortedKeys(rsp.GetDesired().GetResources()) {
			o := &unstructured.Unstructured{Object: rsp.GetDesired().GetResources()[k].GetResource().AsMap()}

			if n := o.GetName(); n == "" || len(n) > 63 {
				t.Errorf("%s: metadata.name %q must have 1 to 63 characters", k, n)
			}

			if other, twice := names[o.GetName()]; twice {
				t.Errorf("%s and %s have one name, %s: a reference could mean either", k, other, o.GetName())
			}

			names[o.GetName()] = k

			for _, f := range []string{"status"} {
				if _, ok := o.Object[f]; ok {
					t.Errorf("%s: carries %s", k, f)
				}
			}

			for _, f := range []string{"managedFields", "creationTimestamp", "namespace", "generation", "uid"} {
				if _, ok, _ := unstructured.NestedFieldNoCopy(o.Object, "metadata", f); ok {
					t.Errorf("%s: carries metadata.%s", k, f)
				}
			}

			if !strings.HasSuffix(o.GroupVersionKind().Group, ".aws.m.upbound.io") {
				continue
			}

			ref, _, _ := unstructured.NestedStringMap(o.Object, "spec", "providerConfigRef")
			if ref["kind"] == "" || ref["name"] == "" {
				t.Errorf("%s: spec.providerConfigRef is %v", k, ref)
			}

			region, _, _ := unstructured.NestedString(o.Object, "spec", "forProvider", "region")

			if want := regionOf(w, o); region != want {
				t.Errorf("%s: region is %q, want %q", k, region, want)
			}

			tags, carries, _ := unstructured.NestedStringMap(o.Object, "spec", "forProvider", "tags")
			if carries && tags[plan.TagStudio] == "" {
				t.Errorf("%s: has no tag %s", k, plan.TagStudio)
			}
		}
	}

	everyWave(t, check)

	t.Run("LongestName", func(t *testing.T) {
		claim := copyOf(t, examples(t)["regional"])
		long := strings.Repeat("a-very.long-name", 4)[:63]
		_ = unstructured.SetNestedField(claim, long, "metadata", "name")

		w := newWorld(t, claim)
		for _, rsp := range w.settle() {
			check(t, w, rsp)
			checkSchemas(t, rsp)
		}
	})
}

// regionOf is the region that a resource must name: the studio's, but for
// services that have none and for what stands before CloudFront.
func regionOf(w *world, o *unstructured.Unstructured) string {
	switch group, _, _ := strings.Cut(o.GroupVersionKind().Group, "."); group {
	case "iam", "cloudfront", "route53":
		return ""
	case "wafv2":
		return plan.GlobalRegion
	case "acm":
		if cdn, _, _ := unstructured.NestedBool(w.claim, "spec", "access", "cdn"); cdn {
			return plan.GlobalRegion
		}
	}

	region, _, _ := unstructured.NestedString(w.claim, "spec", "region")

	return region
}
