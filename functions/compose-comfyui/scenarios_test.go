package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestScenarios tells what happens to a finished studio whose spec or whose
// world changes, one file per story, one document per run until it settles. Of
// what changes, a file shows the fields.
func TestScenarios(t *testing.T) {
	spec := func(value any, path ...string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			t.Helper()
			setIn(t, w.claim, value, append([]string{"spec"}, path...)...)
		}
	}

	cases := map[string]struct {
		claim  string
		change func(t *testing.T, w *world)
	}{
		"tag-added":     {claim: "single", change: spec("art", "tags", "team")},
		"zone-added":    {claim: "regional", change: spec([]any{"use1-az6", "use1-az1", "use1-az2", "use1-az4"}, "network", "zoneIDs")},
		"zone-dropped":  {claim: "regional", change: spec([]any{"use1-az6", "use1-az1"}, "network", "zoneIDs")},
		"admin-added":   {claim: "single", change: spec([]any{"arn:aws:iam::123456789012:role/platform"}, "kubernetes", "adminPrincipals")},
		"admin-dropped": {claim: "regional", change: spec([]any{"arn:aws:iam::123456789012:role/platform"}, "kubernetes", "adminPrincipals")},
		"version-up":    {claim: "single", change: spec("1.36", "kubernetes", "version")},
		"egress-changed": {
			claim: "single", change: spec("RegionalNAT", "network", "egress"),
		},
		"status-lost": {claim: "single", change: func(_ *testing.T, w *world) { delete(w.observed["cluster-eks"], "status") }},
		"refused-by-aws": {claim: "single", change: func(_ *testing.T, w *world) {
			w.observed["network-nat"]["status"].(map[string]any)["conditions"] = []any{
				map[string]any{"type": "Ready", "status": "False", "reason": "Unavailable"},
				map[string]any{"type": "Synced", "status": "False", "message": "update failed: api error UnauthorizedOperation: not authorized, RequestID: 1b2c-3d, try again"},
			}
		}},
		"account-changed": {claim: "single", change: func(_ *testing.T, w *world) {
			w.claim["status"].(map[string]any)["account"] = "999999999999"
		}},
		"restored-alone": {claim: "single", change: func(_ *testing.T, w *world) {
			delete(w.claim, "status")
			w.observed["network-vpc"]["status"].(map[string]any)["atProvider"].(map[string]any)["id"] = "vpc-0bbb"
		}},
		"key-of-another-version": {claim: "single", change: func(t *testing.T, w *world) {
			t.Helper()

			w.observed["network-firewall"] = copyOf(t, w.observed["network-vpc"])
		}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, loadClaim(t, filepath.Join("testdata", "claims", tc.claim+".yaml")))
			all := w.settle()
			before := all[len(all)-1]

			tc.change(t, w)

			var runs []scenario

			for {
				rsp := w.run()
				if len(runs) > 0 && cmp.Equal(before, rsp, protocmp.Transform()) {
					break
				}

				runs = append(runs, told(t, rsp, before))
				before = rsp

				// Crossplane stops there, and so does the story.
				if fatal(rsp) != "" {
					break
				}

				w.apply(rsp)
			}

			golden(t, filepath.Join("testdata", "scenarios", name+".yaml"), runs)
		})
	}
}

// TestScenariosRefused tells what people see of claims that nobody could make a
// studio from. An API server refuses most of them before.
func TestScenariosRefused(t *testing.T) {
	cases := map[string]map[string]any{
		"unknown-region": {"region": "eu-east-9"},
		"excluded-zone":  {"region": "us-east-1", "network": map[string]any{"cidr": "10.42.0.0/16", "zoneIDs": []any{"use1-az3", "use1-az1"}}},
		"no-vpc-origins": {"region": "mx-central-1", "network": map[string]any{"cidr": "10.42.0.0/16"}},
		"undefaulted":    {"region": "ap-northeast-1"},
		"wrong-type":     {"region": "ap-northeast-1", "tags": "team=art"},
	}

	for name, spec := range cases {
		t.Run(name, func(t *testing.T) {
			claim := copyOf(t, loadClaim(t, "testdata/claims/single.yaml"))

			if name == "undefaulted" || name == "wrong-type" {
				claim["spec"] = spec
			} else {
				maps.Copy(claim["spec"].(map[string]any), spec)
			}

			golden(t, filepath.Join("testdata", "scenarios", "claim-"+name+".yaml"), told(t, newWorld(t, claim).run(), nil))
		})
	}

	t.Run("missing", func(t *testing.T) {
		rsp, err := newFunction().RunFunction(context.Background(), &fnv1.RunFunctionRequest{})
		if err != nil {
			t.Fatal(err)
		}

		golden(t, filepath.Join("testdata", "scenarios", "claim-missing.yaml"), told(t, rsp, nil))
	})
}

// TestScenariosFactsLost loses, in each wave, everything that is known at once: what the
// claim remembers and what is observed. Either the run is refused, or nothing
// goes.
func TestScenariosFactsLost(t *testing.T) {
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))

	type lost struct {
		Wave    int      `json:"wave"`
		Results []string `json:"results,omitempty"`
		Gone    []string `json:"gone,omitempty"`
		Ready   string   `json:"ready"`
	}

	var got []lost

	for wave, rsp := range newWorld(t, copyOf(t, w.claim)).settle() {
		hurt := newWorld(t, copyOf(t, w.claim))
		delete(hurt.claim, "status")

		for k, o := range w.observed {
			o = copyOf(t, o)
			delete(o, "status")
			hurt.observed[k] = o
		}

		answer := hurt.run()
		s := readable(t, answer, nil)
		l := lost{Wave: wave, Results: s.Results, Ready: s.Ready}

		for _, k := range sortedKeys(w.observed) {
			if fatal(answer) == "" && answer.GetDesired().GetResources()[k] == nil {
				l.Gone = append(l.Gone, k)
			}
		}

		got = append(got, l)

		w.apply(rsp)
	}

	golden(t, filepath.Join("testdata", "scenarios", "facts-lost.yaml"), got)
}

// TestPanic holds that a defect in a part is one Fatal result, which stops
// Crossplane before it deletes or applies anything.
func TestPanic(t *testing.T) {
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
	f := newFunction()
	f.parts = append(parts(), part{name: "broken", compose: func(plan.Plan, facts.Facts, *kit.Desired) {
		panic("a defect")
	}})

	rsp, err := f.RunFunction(context.Background(), w.request())
	if err != nil {
		t.Fatalf("RunFunction(...): unexpected transport error: %v", err)
	}

	want := "cannot compose the studio: internal error: a defect; please report it"
	if got := fatal(rsp); got != want || len(rsp.GetResults()) != 1 {
		t.Errorf("RunFunction(...): want the one result %q, got %v", want, rsp.GetResults())
	}

	if n := len(rsp.GetDesired().GetResources()); n > 0 {
		t.Errorf("RunFunction(...): half an answer of %d resources came with it", n)
	}
}

// TestEarlierFunction leaves alone what a function before this one in the
// pipeline composes, and what it says of the claim.
func TestEarlierFunction(t *testing.T) {
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
	w.settle()

	theirs := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs"}}

	req := w.request()
	req.Context = toStruct(t, map[string]any{"key": "value"})
	req.Observed.Resources["theirs"] = &fnv1.Resource{Resource: toStruct(t, theirs)}
	req.Desired = &fnv1.State{
		Resources: map[string]*fnv1.Resource{"theirs": {Resource: toStruct(t, theirs), Ready: fnv1.Ready_READY_TRUE}},
		Composite: &fnv1.Resource{Resource: toStruct(t, map[string]any{"status": map[string]any{"theirs": "kept", "account": "ours"}})},
	}

	rsp, err := newFunction().RunFunction(context.Background(), req)
	if err != nil {
		t.Fatalf("RunFunction(...): unexpected transport error: %v", err)
	}

	if f := fatal(rsp); f != "" {
		t.Fatalf("RunFunction(...): %s", f)
	}

	alone := w.run()
	status := alone.GetDesired().GetComposite().GetResource().AsMap()["status"].(map[string]any)
	status["theirs"] = "kept"

	if diff := cmp.Diff(status, rsp.GetDesired().GetComposite().GetResource().AsMap()["status"]); diff != "" {
		t.Errorf("status: -want, +got:\n%s", diff)
	}

	want := maps.Clone(alone.GetDesired().GetResources())
	want["theirs"] = &fnv1.Resource{Resource: toStruct(t, theirs), Ready: fnv1.Ready_READY_TRUE}

	if diff := cmp.Diff(want, rsp.GetDesired().GetResources(), protocmp.Transform()); diff != "" {
		t.Errorf("desired resources: -want, +got:\n%s", diff)
	}

	if diff := cmp.Diff(toStruct(t, map[string]any{"key": "value"}), rsp.GetContext(), protocmp.Transform()); diff != "" {
		t.Errorf("context: -want, +got:\n%s", diff)
	}
}

// scenario is a run as a reviewer reads it: what changes is told by its fields,
// and what does not by its number.
type scenario struct {
	wave

	Changed map[string][]string `json:"changed,omitempty"`
	Same    int                 `json:"same"`
}

func told(t *testing.T, rsp, before *fnv1.RunFunctionResponse) scenario {
	t.Helper()

	s := scenario{wave: readable(t, rsp, before), Changed: map[string][]string{}}
	s.Same = len(s.wave.Same)

	for _, o := range s.wave.Changed {
		for k, is := range o {
			s.Changed[k] = changes("", before.GetDesired().GetResources()[k].GetResource().AsMap(), is)
		}
	}

	// A refusal desires nothing, and Crossplane takes nothing away for it.
	if fatal(rsp) != "" {
		s.Gone = nil
	}

	return s
}

// changes are the fields in which two values differ.
func changes(path string, was, is any) []string {
	a, _ := was.(map[string]any)
	b, _ := is.(map[string]any)

	if a == nil || b == nil {
		switch {
		case reflect.DeepEqual(was, is):
			return nil
		case was == nil:
			return []string{fmt.Sprintf("%s: %v", path, is)}
		case is == nil:
			return []string{fmt.Sprintf("%s: was %v, is gone", path, was)}
		}

		return []string{fmt.Sprintf("%s: was %v, is %v", path, was, is)}
	}

	keys := maps.Clone(a)
	maps.Copy(keys, b)

	var out []string
	for _, k := range sortedKeys(keys) {
		out = append(out, changes(strings.TrimPrefix(path+"."+k, "."), a[k], b[k])...)
	}

	return out
}
