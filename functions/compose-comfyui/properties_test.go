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
// takes to bring every example up. The runs are made once for all tests.
func everyWave(t *testing.T, check func(t *testing.T, w *world, rsp *fnv1.RunFunctionResponse)) {
	t.Helper()

	for name, claim := range examples(t) {
		t.Run(name, func(t *testing.T) {
			for _, m := range momentsOf(t, name, claim) {
				w := newWorld(t, copyOf(t, m.claim))
				w.observed = maps.Clone(m.observed)
				check(t, w, m.rsp)
			}
		})
	}
}

// A moment is one run on the way of a claim to Ready: what was there before it,
// and its answer.
type moment struct {
	claim    map[string]any
	observed map[string]map[string]any
	rsp      *fnv1.RunFunctionResponse
}

var moments = map[string][]moment{}

func momentsOf(t *testing.T, name string, claim map[string]any) []moment {
	t.Helper()

	if m, ok := moments[name]; ok {
		return m
	}

	var out []moment

	w := newWorld(t, copyOf(t, claim))

	for range 40 {
		m := moment{claim: copyOf(t, w.claim), observed: maps.Clone(w.observed), rsp: w.run()}
		out = append(out, m)

		if len(w.observed) == len(m.rsp.GetDesired().GetResources()) && m.rsp.GetDesired().GetComposite().GetReady() == fnv1.Ready_READY_TRUE {
			moments[name] = out
			return out
		}

		w.apply(m.rsp)
	}

	t.Fatal("the studio never gets ready")

	return nil
}

// TestDeterministic holds Compose to be pure: the same request gives the same
// bytes, whatever order maps come in.
func TestDeterministic(t *testing.T) {
	everyWave(t, func(t *testing.T, w *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()

		again := w.run()

		if !bytes.Equal(bytesOf(t, rsp), bytesOf(t, again)) {
			t.Fatalf("two runs differ: -first, +second:\n%s", cmp.Diff(readable(t, rsp, nil), readable(t, again, nil)))
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
// and then the resource itself: each when it is new, and all of them when the
// studio is up. Either the run is Fatal, or nothing else that is observed leaves
// the desired set or loses a field.
func TestNoShrink(t *testing.T) {
	examples := examples(t)

	// Claims that differ in what they compose, not in how much of it.
	for _, name := range []string{"full", "inside", "private", "regional", "adopt-buckets"} {
		claim := examples[name]

		t.Run(name, func(t *testing.T) {
			all := momentsOf(t, name, claim)
			seen := map[string]bool{}

			for i, m := range all {
				w := newWorld(t, m.claim)
				w.observed = m.observed
				req := w.request()

				for _, lost := range sortedKeys(m.observed) {
					// Nothing is composed because a Usage is there or not.
					if strings.HasPrefix(lost, kit.UsagePrefix) {
						continue
					}

					// Everything at the end only for the claim that has the most of it.
					if !seen[lost] || (i == len(all)-1 && name == "full") {
						checkLoss(t, m, req, lost)
					}

					seen[lost] = true
				}
			}
		})
	}
}

// checkLoss hides a resource's status from the function, and then the resource.
func checkLoss(t *testing.T, m moment, req *fnv1.RunFunctionRequest, lost string) {
	t.Helper()

	for _, how := range []string{"status", "resource"} {
		hurt := &fnv1.RunFunctionRequest{
			Meta:     req.GetMeta(),
			Observed: &fnv1.State{Composite: req.GetObserved().GetComposite(), Resources: maps.Clone(req.GetObserved().GetResources())},
		}
		delete(hurt.GetObserved().GetResources(), lost)

		if how == "status" {
			o := maps.Clone(m.observed[lost])
			delete(o, "status")
			hurt.GetObserved().GetResources()[lost] = &fnv1.Resource{Resource: toStruct(t, o)}
		}

		got, err := newFunction().RunFunction(t.Context(), hurt)
		if err != nil {
			t.Fatal(err)
		}

		if fatal(got) != "" {
			continue
		}

		for k := range hurt.GetObserved().GetResources() {
			was, is := m.rsp.GetDesired().GetResources()[k], got.GetDesired().GetResources()[k]

			// A Usage leaves with what it protects, and makes nothing go.
			if strings.HasPrefix(k, kit.UsagePrefix) || proto.Equal(was.GetResource(), is.GetResource()) {
				continue
			}

			if is == nil {
				t.Errorf("%s of %s lost: %s leaves the desired set", how, lost, k)
				continue
			}

			if f := missing("", was.GetResource().AsMap(), is.GetResource().AsMap()); f != "" {
				t.Errorf("%s of %s lost: %s loses %s", how, lost, k, f)
			}
		}
	}
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

			if init, ok, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "initProvider"); ok {
				t.Errorf("%s: carries spec.initProvider %v", k, init)
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
