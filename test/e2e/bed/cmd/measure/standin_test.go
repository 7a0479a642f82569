package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestStandIns(t *testing.T) {
	for _, n := range []int{0, 1, 80, 170} {
		list := standIns("art", n)
		keys := map[string]bool{}
		usages := 0

		for _, s := range list {
			if keys[s.Key] {
				t.Errorf("standIns(%d): %s comes twice", n, s.Key)
			}

			for _, k := range slices.Concat(s.After, s.exist) {
				if !keys[k] {
					t.Errorf("standIns(%d): %s waits for %s, which does not come before it", n, s.Key, k)
				}
			}

			keys[s.Key] = true

			if s.kind == "Usage" {
				usages++
			}
		}

		if len(list) != n || usages != n/8 {
			t.Errorf("standIns(%d): want so many, one in eight a Usage, got %d with %d Usages", n, len(list), usages)
		}
	}
}

// observedAs is a resource that is ready or not.
func observedAs(t *testing.T, ready bool) *fnv1.Resource {
	t.Helper()

	status := map[bool]string{true: "True", false: "False"}[ready]

	o, err := structpb.NewStruct(map[string]any{"status": map[string]any{"conditions": []any{
		map[string]any{"type": "Ready", "status": status},
	}}})
	if err != nil {
		t.Fatal(err)
	}

	return &fnv1.Resource{Resource: o}
}

func TestWithStandIns(t *testing.T) {
	list := standIns("art", 8)

	type want struct {
		desired map[string]fnv1.Ready
		claim   fnv1.Ready
		shown   []string
	}

	cases := map[string]struct {
		reason    string
		namespace string
		observed  map[string]bool
		want      want
	}{
		"FirstWave": {
			reason:    "What waits for nothing comes first, and the claim is not ready.",
			namespace: "art",
			want: want{
				desired: map[string]fnv1.Ready{"vpc": fnv1.Ready_READY_TRUE, "standin-00-role": fnv1.Ready_READY_FALSE, "standin-00-address": fnv1.Ready_READY_FALSE},
				claim:   fnv1.Ready_READY_FALSE,
			},
		},
		"NextWave": {
			reason:    "Gates open on Ready, a Usage comes when both sides exist, what exists stays, and the function sees its own only.",
			namespace: "art",
			observed:  map[string]bool{"vpc": true, "standin-00-role": true, "standin-00-role-attachment": false, "standin-00-bucket-encryption": false},
			want: want{
				desired: map[string]fnv1.Ready{
					"vpc": fnv1.Ready_READY_TRUE, "standin-00-role": fnv1.Ready_READY_TRUE, "standin-00-address": fnv1.Ready_READY_FALSE,
					"standin-00-role-policy": fnv1.Ready_READY_FALSE, "standin-00-role-attachment": fnv1.Ready_READY_FALSE,
					"standin-00-bucket": fnv1.Ready_READY_FALSE, "standin-00-bucket-encryption": fnv1.Ready_READY_FALSE,
					"usage-standin-00-role": fnv1.Ready_READY_FALSE,
				},
				claim: fnv1.Ready_READY_FALSE,
				shown: []string{"vpc"},
			},
		},
		"OtherNamespace": {
			reason:    "Another studio is left alone.",
			namespace: "other",
			observed:  map[string]bool{"standin-00-role": true},
			want: want{
				desired: map[string]fnv1.Ready{"vpc": fnv1.Ready_READY_TRUE},
				claim:   fnv1.Ready_READY_TRUE,
				shown:   []string{"standin-00-role"},
			},
		},
		"AllReady": {
			reason:    "When all stand-ins are ready the claim's own readiness counts.",
			namespace: "art",
			observed:  allReady(list),
			want:      want{desired: readiness(list), claim: fnv1.Ready_READY_TRUE},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			xr, err := structpb.NewStruct(map[string]any{"metadata": map[string]any{"namespace": tc.namespace}})
			if err != nil {
				t.Fatal(err)
			}

			req := &fnv1.RunFunctionRequest{Observed: &fnv1.State{Composite: &fnv1.Resource{Resource: xr}, Resources: map[string]*fnv1.Resource{}}}
			for k, ready := range tc.observed {
				req.Observed.Resources[k] = observedAs(t, ready)
			}

			got := want{desired: map[string]fnv1.Ready{}}
			rsp, err := withStandIns("art", list)(t.Context(), req, func(_ context.Context, r *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
				got.shown = slices.Sorted(maps.Keys(r.GetObserved().GetResources()))

				return &fnv1.RunFunctionResponse{Desired: &fnv1.State{
					Composite: &fnv1.Resource{Ready: fnv1.Ready_READY_TRUE},
					Resources: map[string]*fnv1.Resource{"vpc": {Ready: fnv1.Ready_READY_TRUE}},
				}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}

			for k, r := range rsp.GetDesired().GetResources() {
				got.desired[k] = r.GetReady()
			}

			got.claim = rsp.GetDesired().GetComposite().GetReady()

			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("%s\nwithStandIns(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func allReady(list []standIn) map[string]bool {
	out := map[string]bool{}
	for _, s := range list {
		out[s.Key] = true
	}

	return out
}

func readiness(list []standIn) map[string]fnv1.Ready {
	out := map[string]fnv1.Ready{"vpc": fnv1.Ready_READY_TRUE}
	for _, s := range list {
		out[s.Key] = fnv1.Ready_READY_TRUE
	}

	return out
}

func TestStandInGates(t *testing.T) {
	got := standInGates(standIns("art", 16))

	for _, g := range got {
		if strings.HasPrefix(g.Key, "usage-") {
			t.Errorf("standInGates(...): %s has no gate to wait for", g.Key)
		}
	}

	if len(got) != 14 {
		t.Errorf("standInGates(...): want the 14 that are no Usages, got %d", len(got))
	}
}

func TestWithTTL(t *testing.T) {
	rsp, err := withTTL(time.Minute)(t.Context(), nil, func(context.Context, *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
		return &fnv1.RunFunctionResponse{Meta: &fnv1.ResponseMeta{Ttl: durationpb.New(5 * time.Second)}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}

	if got := rsp.GetMeta().GetTtl().AsDuration(); got != time.Minute {
		t.Errorf("withTTL(1m): want 1m, got %s", got)
	}
}
