package view

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

var _ Source = &Cluster{}

func TestKinds(t *testing.T) {
	verbs := metav1.Verbs{"get", "list", "watch"}
	d := &fakediscovery.FakeDiscovery{Fake: &clienttesting.Fake{Resources: []*metav1.APIResourceList{
		{GroupVersion: "ec2.aws.m.upbound.io/v1beta1", APIResources: []metav1.APIResource{
			{Name: "vpcs", Kind: "VPC", Namespaced: true, Verbs: verbs},
			{Name: "vpcs/status", Kind: "VPC", Namespaced: true, Verbs: metav1.Verbs{"get"}},
		}},
		{GroupVersion: "ec2.aws.upbound.io/v1beta1", APIResources: []metav1.APIResource{{Name: "vpcs", Kind: "VPC", Verbs: verbs}}},
		{GroupVersion: "helm.m.crossplane.io/v1beta1", APIResources: []metav1.APIResource{
			{Name: "releases", Kind: "Release", Namespaced: true, Verbs: verbs},
			{Name: "providerconfigusages", Kind: "ProviderConfigUsage", Namespaced: true, Verbs: verbs},
		}},
		{GroupVersion: "protection.crossplane.io/v1beta1", APIResources: []metav1.APIResource{
			{Name: "usages", Kind: "Usage", Namespaced: true, Verbs: verbs},
			{Name: "clusterusages", Kind: "ClusterUsage", Verbs: verbs},
		}},
		{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "secrets", Kind: "Secret", Namespaced: true, Verbs: verbs}}},
	}}}
	got, err := Kinds(d)
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.GroupVersionResource{
		{Group: "ec2.aws.m.upbound.io", Version: "v1beta1", Resource: "vpcs"},
		{Group: "helm.m.crossplane.io", Version: "v1beta1", Resource: "releases"},
		{Group: "protection.crossplane.io", Version: "v1beta1", Resource: "usages"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Kinds(...): -want, +got:\n%s", diff)
	}
}

// TestCluster watches a studio on an API server's double: only what carries the
// studio's label counts, and what is gone is remembered.
func TestCluster(t *testing.T) {
	vpc := made{group: ec2, kind: "VPC", key: "network-vpc", created: 1, active: 2}
	o := studio(3, []made{vpc}, whole()...)
	foreign := vpc.object(o)
	foreign.SetName("other")
	foreign.SetLabels(map[string]string{labelComposite: "osaka"})
	usage := made{group: "protection.crossplane.io", kind: "Usage", key: "usage-network-vpc"}.object(o)

	vpcs := schema.GroupVersionResource{Group: ec2, Version: "v1beta1", Resource: "vpcs"}
	usages := schema.GroupVersionResource{Group: "protection.crossplane.io", Version: "v1beta1", Resource: "usages"}
	c := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{StudioResource(): "ComfyUIStudioList", vpcs: "VPCList", usages: "UsageList"},
		o.Claim, o.Composed[0], foreign, usage)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(o.Ledger)
	}))
	defer srv.Close()
	ledger := func(ctx context.Context) (Ledger, error) { return GetLedger(ctx, srv.URL+"/ledger") }

	src, err := Watch(t.Context(), c, []schema.GroupVersionResource{vpcs, usages}, ledger, "art", "tokyo")
	if err != nil {
		t.Fatal(err)
	}
	src.Begin(applied)
	s, err := src.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Resources()); n != 1 || s.Usages != 1 || !s.Ready || s.Parts[0].State != Ready {
		t.Fatalf("Snapshot(): want one ready resource, one usage and a Ready claim, got %+v", s)
	}
	r := s.Resources()[0]
	if r.Key != "network-vpc" || !near(r.Created, at(1)) || !near(r.Active, at(2)) {
		t.Errorf("Snapshot(): want network-vpc from minute 1 to 2, got %+v", r)
	}

	if err := c.Resource(vpcs).Namespace("art").Delete(t.Context(), o.Composed[0].GetName(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Resource(StudioResource()).Namespace("art").Delete(t.Context(), "tokyo", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if s, err = src.Snapshot(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !s.Exists && len(s.Resources()) == 1 && s.Resources()[0].State == Deleting {
			return
		}
	}
	t.Errorf("Snapshot(): want the VPC that AWS still has, got %+v", s)
}

func TestBuildStates(t *testing.T) {
	vpc := made{group: ec2, kind: "VPC", key: "network-vpc", created: 1, active: 2}
	type want struct {
		State   State
		Message string
		Adopted bool
	}
	cases := map[string]struct {
		reason string
		m      made
		change func(o *Observation, u *unstructured.Unstructured)
		want   want
	}{
		"Ready":    {reason: "Ready=True is ready.", m: vpc, want: want{State: Ready}},
		"Creating": {reason: "Without Ready=True it is being made.", m: made{group: ec2, kind: "VPC", key: "network-vpc", created: 1}, want: want{State: Creating}},
		"Refused": {
			reason: "What AWS said is shown without its wrapping.",
			m:      made{group: ec2, kind: "VPC", key: "network-vpc", created: 1, failure: "create failed: async create failed: failed to create the resource: [{0 creating EC2 VPC: operation error EC2: CreateVpc, https response error StatusCode: 400, RequestID: 1-2, api error VpcLimitExceeded: too\n many VPCs  []}]"},
			want:   want{State: Failing, Message: "api error VpcLimitExceeded: too many VPCs"},
		},
		"WaitsForReference": {
			reason: "An unresolved reference is a wait, no failure.",
			m:      made{group: ec2, kind: "Subnet", key: "network-vpc", created: 1, failure: "cannot resolve references: mg.Spec.ForProvider.VPCID: referenced field was empty (referenced resource may not yet be ready)"},
			want:   want{State: Waiting, Message: "cannot resolve references: mg.Spec.ForProvider.VPCID: referenced field was empty (referenced resource may not yet be ready)"},
		},
		"OldGeneration": {
			reason: "A Ready condition of an earlier generation does not count.",
			m:      vpc,
			change: func(_ *Observation, u *unstructured.Unstructured) {
				u.SetGeneration(2)
				cs, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
				cs[0].(map[string]any)["observedGeneration"] = int64(1)
				_ = unstructured.SetNestedSlice(u.Object, cs, "status", "conditions")
			},
			want: want{State: Creating},
		},
		"Deleting": {
			reason: "A deletion timestamp wins over conditions.",
			m:      vpc,
			change: func(o *Observation, u *unstructured.Unstructured) {
				now := metav1.NewTime(o.At)
				u.SetDeletionTimestamp(&now)
			},
			want: want{State: Deleting},
		},
		"Adopted": {
			reason: "What AWS had long before the claim was not made for it.",
			m:      vpc,
			change: func(o *Observation, _ *unstructured.Unstructured) {
				o.Ledger.Entries[0].Created, o.Ledger.Entries[0].Active = 1, 2
			},
			want: want{State: Ready, Adopted: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := studio(5, []made{tc.m}, whole()...)
			if tc.change != nil {
				tc.change(&o, o.Composed[0])
			}
			r := Build(o).Resources()[0]
			if diff := cmp.Diff(tc.want, want{r.State, r.Message, r.Adopted}); diff != "" {
				t.Errorf("%s\nBuild(...): -want, +got:\n%s", tc.reason, diff)
			}
			if r.Created < applied {
				t.Errorf("%s\nBuild(...): created before the claim was applied", tc.reason)
			}
		})
	}
}

// TestLedgerLatest follows the thing that exists when a managed resource had
// several.
func TestLedgerLatest(t *testing.T) {
	e := func(id, state string, created float64) Entry {
		return Entry{Kind: "EIP", Name: "a", ExternID: id, State: state, Created: created}
	}
	cases := map[string]struct {
		reason  string
		entries []Entry
		want    string
	}{
		"MadeAnew":   {reason: "The one that exists counts.", entries: []Entry{e("old", "gone", 1), e("new", "active", 2)}, want: "new"},
		"BothExist":  {reason: "Of two, the later one is the managed resource's; the other leaked.", entries: []Entry{e("leaked", "active", 1), e("own", "active", 2)}, want: "own"},
		"LaterWent":  {reason: "What exists counts before what is gone.", entries: []Entry{e("kept", "active", 1), e("went", "gone", 2)}, want: "kept"},
		"AllAreGone": {reason: "The last of those that went.", entries: []Entry{e("a", "gone", 1), e("b", "gone", 2)}, want: "b"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := Ledger{Entries: tc.entries}.latest()[ID{Kind: "EIP", Name: "a"}].ExternID
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nlatest(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
