package cloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseFault(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   Fault
		err    string
	}{
		"Preset": {
			reason: "A preset has a name.",
			in:     "cluster-never-active",
			want:   Fault{Kind: "Cluster", Operation: OpCreate, Mode: Stuck},
		},
		"Settings": {
			reason: "Everything can be set.",
			in:     "group=eks.aws.m.upbound.io,kind=NodeGroup,namespace=art,name=*-system,operation=create,mode=fail,count=3,message=quota,for=2m",
			want: Fault{
				Group: "eks.aws.m.upbound.io", Kind: "NodeGroup", Namespace: "art", Name: "*-system", Operation: OpCreate, Mode: Fail,
				Count: 3, Message: "quota", For: 2 * time.Minute,
			},
		},
		"UnknownPreset": {reason: "An unknown name lists the known ones.", in: "cluster-on-fire", err: "cluster-never-active"},
		"UnknownMode":   {reason: "Modes are known.", in: "mode=explode", err: `unknown mode "explode"`},
		"UnknownKey":    {reason: "Settings are known.", in: "mood=bad", err: `unknown setting "mood"`},
		"SlowByNothing": {reason: "Slow needs a factor.", in: "mode=slow", err: "needs a factor"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ParseFault(tc.in)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("%s\nParseFault(...): want error %q, got %v", tc.reason, tc.err, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s\nParseFault(...): %v", tc.reason, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nParseFault(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
	for name, f := range presets() {
		if err := f.validate(); err != nil {
			t.Errorf("preset %s: %v", name, err)
		}
	}
}

func TestFaults(t *testing.T) {
	vpc := "apiVersion: ec2.aws.m.upbound.io/v1beta1\nkind: VPC\nmetadata: {name: vpc}\nspec: {forProvider: {region: us-east-1, cidrBlock: 10.0.0.0/16}}"
	cases := map[string]struct {
		reason string
		fault  Fault
		// want are the codes of four creates.
		want []string
	}{
		"Throttle": {"All calls are throttled.", Fault{Mode: Throttle}, []string{"ThrottlingException", "ThrottlingException", "ThrottlingException", "ThrottlingException"}},
		"Twice":    {"Two calls fail, then they pass.", Fault{Mode: Fail, Count: 2, Message: "no"}, []string{"InjectedFailure", "InjectedFailure", "", ""}},
		"Other":    {"Another kind's fault is not ours.", Fault{Mode: Fail, Kind: "Subnet"}, []string{"", "", "", ""}},
		"Name":     {"Names are globs.", Fault{Mode: Throttle, Name: "v*"}, []string{"ThrottlingException", "ThrottlingException", "ThrottlingException", "ThrottlingException"}},
		"NoName":   {"That may not match.", Fault{Mode: Throttle, Name: "*-vpc"}, []string{"", "", "", ""}},
		"Delete":   {"Another operation's fault is not ours.", Fault{Mode: Throttle, Operation: OpDelete}, []string{"", "", "", ""}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.SetFaults(tc.fault); err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for range tc.want {
				_, err := w.Create(w.call(vpc))
				got = append(got, Code(err))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nCreate(...): -want codes, +got codes:\n%s", tc.reason, diff)
			}
			if n := w.Calls()[0]; n.Refused != 0 {
				t.Errorf("%s\nCalls(): injected refusals count as refused: %+v", tc.reason, n)
			}
		})
	}
}

func TestStuck(t *testing.T) {
	w := newWorld(t)
	if err := w.SetFaults(Fault{Mode: Stuck, Operation: OpCreate}); err != nil {
		t.Fatal(err)
	}
	c := w.call("apiVersion: ec2.aws.m.upbound.io/v1beta1\nkind: VPC\nmetadata: {name: vpc}\nspec: {forProvider: {region: us-east-1, cidrBlock: 10.0.0.0/16}}")
	r, err := w.Create(c)
	if err != nil {
		t.Fatal(err)
	}
	c.ID = r.ID
	_, err = w.Await(t.Context(), c, time.Hour)
	if late := (*TimeoutError)(nil); !errors.As(err, &late) || late.State != StateCreating {
		t.Errorf("Await(...): want a timeout while creating, got %v", err)
	}
	done := make(chan error)
	go func() {
		_, err := w.Await(t.Context(), c, time.Hour*24*365)
		done <- err
	}()
	w.ClearFaults()
	if err := <-done; err != nil {
		t.Errorf("Await(...) after ClearFaults(): %v", err)
	}
}

// TestAddonWaitsForNodes: coredns is active some time after the first nodes,
// also when these were stuck.
func TestAddonWaitsForNodes(t *testing.T) {
	nodes := "\napiVersion: eks.aws.m.upbound.io/v1beta1\nkind: NodeGroup"
	before, _, _ := strings.Cut(testCluster, "\n---"+nodes)
	w := newWorld(t, testNetwork, before)
	c := w.call("apiVersion: eks.aws.m.upbound.io/v1beta1\nkind: Addon\nmetadata: {name: dns}\nspec: {forProvider: {region: us-east-1, clusterName: studio, addonName: coredns}}")
	if _, err := w.Create(c); err != nil {
		t.Fatal(err)
	}
	late := (*TimeoutError)(nil)
	if _, err := w.Await(t.Context(), c, time.Hour); !errors.As(err, &late) {
		t.Errorf("coredns without nodes: want a timeout, got %v", err)
	}
	if err := w.SetFaults(Fault{Kind: "NodeGroup", Mode: Stuck, Operation: OpCreate}); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(testCluster, nodes)
	group, _, _ := strings.Cut(rest, "\n---")
	if _, err := w.Create(w.call(nodes + group)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Await(t.Context(), c, time.Hour); !errors.As(err, &late) {
		t.Errorf("coredns with stuck nodes: want a timeout, got %v", err)
	}
	w.ClearFaults()
	if _, err := w.Await(t.Context(), c, 24*time.Hour); err != nil {
		t.Errorf("coredns with nodes: %v", err)
	}
}

func TestHandler(t *testing.T) {
	w := newWorld(t, testStorage)
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	do := func(method, path, body string, into any) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, bytes.NewBufferString(body))
		if err != nil {
			t.Fatal(err)
		}
		rsp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer rsp.Body.Close()
		if into != nil {
			if err := json.NewDecoder(rsp.Body).Decode(into); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
		}
		return rsp.StatusCode
	}
	l := Ledger{}
	do(http.MethodGet, "/ledger", "", &l)
	if diff := cmp.Diff(w.Ledger().Entries, l.Entries); diff != "" {
		t.Errorf("GET /ledger: -want, +got:\n%s", diff)
	}
	want := Entry{Kind: "Bucket", Group: "s3.aws.m.upbound.io", Namespace: "art", Name: "models", ID: "models", ARN: "arn:aws:s3:::models", Region: "us-east-1", State: StateActive}
	if diff := cmp.Diff(want, l.Entries[0], cmpopts.IgnoreFields(Entry{}, "Created", "Active")); diff != "" {
		t.Errorf("GET /ledger: -want, +got:\n%s", diff)
	}
	calls := []CallCount{}
	do(http.MethodGet, "/calls", "", &calls)
	if len(calls) == 0 || calls[0].Create != 1 {
		t.Errorf("GET /calls: got %+v", calls)
	}
	for body, code := range map[string]int{
		`{"mode":"throttle","kind":"VPC"}`:                      http.StatusOK,
		`[{"mode":"freeze"},{"preset":"cluster-never-active"}]`: http.StatusOK,
		`{"mode":"explode"}`:                                    http.StatusBadRequest,
		`{"preset":"explode"}`:                                  http.StatusBadRequest,
		`x`:                                                     http.StatusBadRequest,
	} {
		if got := do(http.MethodPost, "/faults", body, nil); got != code {
			t.Errorf("POST /faults %s: want %d, got %d", body, code, got)
		}
	}
	faults := []Fault{}
	do(http.MethodGet, "/faults", "", &faults)
	if len(faults) != 3 {
		t.Errorf("GET /faults: want 3, got %+v", faults)
	}
	do(http.MethodDelete, "/faults", "", nil)
	do(http.MethodGet, "/faults", "", &faults)
	if len(faults) != 0 {
		t.Errorf("GET /faults after DELETE: got %+v", faults)
	}
}

func TestEveryKindHasARule(t *testing.T) {
	a := New(Options{})
	for k := range durations {
		if !a.Knows(k) {
			t.Errorf("durations know %s, rules do not", k)
		}
	}
	for k, ru := range a.rules {
		if len(ru.dependents) > 0 && ru.inUse == nil {
			t.Errorf("%s has dependents and no refusal", k)
		}
		for _, d := range ru.dependents {
			if !a.Knows(d.kind) {
				t.Errorf("%s depends on %s, which has no rule", k, d.kind)
			}
		}
	}
}
