package kit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
)

func TestReady(t *testing.T) {
	isTrue := map[string]any{"status": "True"}

	cases := map[string]struct {
		reason   string
		observed map[kit.Key]kittest.State
		want     bool
	}{
		"Absent":           {reason: "What does not exist is not ready.", want: false},
		"NoStatus":         {reason: "A resource that no provider has looked at is not ready.", observed: map[kit.Key]kittest.State{"vpc": {}}, want: false},
		"MissingCondition": {reason: "Synced alone says nothing of AWS.", observed: map[kit.Key]kittest.State{"vpc": {Synced: isTrue}}, want: false},
		"False":            {reason: "False is not ready.", observed: map[kit.Key]kittest.State{"vpc": kittest.Creating()}, want: false},
		"Unknown":          {reason: "Unknown is not ready.", observed: map[kit.Key]kittest.State{"vpc": {Ready: map[string]any{"status": "Unknown"}}}, want: false},
		"True":             {reason: "True is ready; the real provider writes no generation on Ready.", observed: map[kit.Key]kittest.State{"vpc": {Generation: 4, Ready: isTrue, Synced: isTrue}}, want: true},
		"NotSynced": {
			reason:   "A resource whose last call was refused still is what it was.",
			observed: map[kit.Key]kittest.State{"vpc": {Generation: 4, Ready: isTrue, Synced: map[string]any{"status": "False", "observedGeneration": 4.0}}},
			want:     true,
		},
		"ReadyOfThisGeneration": {
			reason:   "A condition of this generation is an answer.",
			observed: map[kit.Key]kittest.State{"vpc": {Generation: 4, Ready: map[string]any{"status": "True", "observedGeneration": 4.0}, Synced: map[string]any{"status": "True", "observedGeneration": 4.0}}},
			want:     true,
		},
		"ReadyOfOlderGeneration": {
			reason:   "A Ready of an older spec is no answer for this one.",
			observed: map[kit.Key]kittest.State{"vpc": {Generation: 4, Ready: map[string]any{"status": "True", "observedGeneration": 3.0}, Synced: isTrue}},
			want:     false,
		},
		"SyncedOfOlderGeneration": {
			reason:   "Nor is a Ready beside a Synced of an older spec: the provider has not looked since.",
			observed: map[kit.Key]kittest.State{"vpc": {Generation: 4, Ready: isTrue, Synced: map[string]any{"status": "True", "observedGeneration": 3.0}}},
			want:     false,
		},
		"Deleting": {
			reason:   "What is on its way out is not ready, whatever it says.",
			observed: map[kit.Key]kittest.State{"vpc": {Deleting: true, Ready: isTrue}},
			want:     false,
		},
		"SeenOnly": {
			reason:   "A kind without a Ready condition is ready once it exists.",
			observed: map[kit.Key]kittest.State{"vpc": {APIVersion: "helm.m.crossplane.io/v1beta1", Kind: "ProviderConfig"}},
			want:     true,
		},
		"ObserveOnlyAbsent": {
			reason:   "What is only looked at is answered for by being looked at: that it is not there is an answer.",
			observed: map[kit.Key]kittest.State{"vpc": {Spec: map[string]any{"managementPolicies": []any{"Observe"}}, Synced: map[string]any{"status": "False", "message": "observe failed: external resource does not exist"}}},
			want:     true,
		},
		"SeenOnlyDeleting": {
			reason:   "But not while it goes.",
			observed: map[kit.Key]kittest.State{"vpc": {APIVersion: "helm.m.crossplane.io/v1beta1", Kind: "ProviderConfig", Deleting: true}},
			want:     false,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := observe(tc.observed).Ready("vpc"); got != tc.want {
				t.Errorf("%s\nReady(...): want %t, got %t", tc.reason, tc.want, got)
			}
		})
	}
}

func TestAtProvider(t *testing.T) {
	type want struct {
		there bool
		err   string
		into  ec2.VPCObservation_2
	}

	cases := map[string]struct {
		reason   string
		observed map[kit.Key]kittest.State
		want     want
	}{
		"Absent":   {reason: "A resource that does not exist tells nothing."},
		"NoStatus": {reason: "Neither does one without a status.", observed: map[kit.Key]kittest.State{"vpc": {}}},
		"Values": {
			reason:   "Values are read into the kind's own type, whole numbers too although the wire has doubles only.",
			observed: map[kit.Key]kittest.State{"vpc": {AtProvider: map[string]any{"id": "vpc-1", "ipv6NetmaskLength": 56.0}}},
			want:     want{there: true, into: ec2.VPCObservation_2{ID: new("vpc-1"), IPv6NetmaskLength: new(56.0)}},
		},
		"WrongType": {
			reason:   "A status that is not what the kind's type says is an error that names the resource.",
			observed: map[kit.Key]kittest.State{"vpc": {AtProvider: map[string]any{"id": 7.0}}},
			want:     want{there: true, err: `cannot read status.atProvider of "vpc": json: cannot unmarshal number into Go struct field VPCObservation_2.id of type string`},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := want{}

			there, err := observe(tc.observed).AtProvider("vpc", &got.into)

			got.there = there
			if err != nil {
				// What was read up to there counts for nothing.
				got.err, got.into = err.Error(), ec2.VPCObservation_2{}
			}

			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("%s\nAtProvider(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestTrouble(t *testing.T) {
	refused := map[string]any{"status": "False", "message": "create failed: VpcLimitExceeded"}

	cases := map[string]struct {
		reason   string
		observed map[kit.Key]kittest.State
		want     string
	}{
		"Absent":   {reason: "What does not exist has no trouble."},
		"Well":     {reason: "Nor has what is well.", observed: map[kit.Key]kittest.State{"vpc": kittest.Ready()}},
		"Creating": {reason: "A Ready of False without a message is ordinary progress.", observed: map[kit.Key]kittest.State{"vpc": kittest.Creating()}},
		"Refused":  {reason: "AWS's words come through.", observed: map[kit.Key]kittest.State{"vpc": {Synced: refused}}, want: "create failed: VpcLimitExceeded"},
		"SyncedFirst": {
			reason:   "Synced tells the cause, Ready only that it is not there.",
			observed: map[kit.Key]kittest.State{"vpc": {Synced: refused, Ready: map[string]any{"status": "False", "message": "not there"}}},
			want:     "create failed: VpcLimitExceeded",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := observe(tc.observed).Trouble("vpc"); got != tc.want {
				t.Errorf("%s\nTrouble(...): want %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

func TestFamily(t *testing.T) {
	o := observe(map[kit.Key]kittest.State{"subnet-b": {}, "subnet-a": {Deleting: true}, "sub": {}, "vpc": {}})

	want := []kit.Key{"subnet-a", "subnet-b"}
	if diff := cmp.Diff(want, o.Family("subnet-")); diff != "" {
		t.Errorf("A family is everything observed with the prefix, sorted.\nFamily(...): -want, +got:\n%s", diff)
	}

	if diff := cmp.Diff([]kit.Key{}, o.Family("role-"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Family(...): -want, +got:\n%s", diff)
	}

	for k, want := range map[kit.Key]bool{"subnet-a": true, "subnet-b": false, "role": false} {
		if got := o.Deleting(k); got != want {
			t.Errorf("Deleting(%s): want %t, got %t", k, want, got)
		}
	}
}

func TestData(t *testing.T) {
	const key kit.Key = "secret"

	cases := map[string]struct {
		reason string
		state  kittest.State
		want   string
	}{
		"Secret":      {reason: "A Secret's values are decoded.", state: kittest.State{APIVersion: "v1", Kind: "Secret", Data: map[string]any{"seed": "c2VlZA=="}}, want: "seed"},
		"ConfigMap":   {reason: "A ConfigMap's are as they are.", state: kittest.State{APIVersion: "v1", Kind: "ConfigMap", Data: map[string]any{"seed": "c2VlZA=="}}, want: "c2VlZA=="},
		"NotEncoded":  {reason: "What cannot be decoded is not there.", state: kittest.State{APIVersion: "v1", Kind: "Secret", Data: map[string]any{"seed": "%"}}},
		"OtherField":  {reason: "Nor is what was not asked for.", state: kittest.State{APIVersion: "v1", Kind: "Secret", Data: map[string]any{"password": "c2VlZA=="}}},
		"WithoutData": {reason: "An empty Secret holds nothing.", state: kittest.State{APIVersion: "v1", Kind: "Secret"}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := kittest.Observe(func(k kit.Key) string { return string(k) }, map[kit.Key]kittest.State{key: tc.state})
			if got := o.Data(key, "seed"); got != tc.want {
				t.Errorf("%s\nData(...): want %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}
