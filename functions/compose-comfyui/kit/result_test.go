package kit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
)

func TestRemoveAfter(t *testing.T) {
	type args struct {
		observed map[kit.Key]kittest.State
		compose  func(d *kit.Desired)
	}

	cases := map[string]struct {
		reason string
		args   args
		want   answer
	}{
		"Undeclared": {
			reason: "What exists and nobody adds is an error that names it and what to do: left out, it would be deleted.",
			args:   args{observed: map[kit.Key]kittest.State{"nat": kittest.Ready()}},
			want:   answer{Errors: []string{`cannot leave out "nat": it exists, and put it back`}},
		},
		"NoUsers": {
			reason: "What may go and has no users goes at once.",
			args: args{
				observed: map[kit.Key]kittest.State{"nat": kittest.Ready()},
				compose:  func(d *kit.Desired) { d.RemoveAfter("nat") },
			},
			want: answer{},
		},
		"DeclaredUser": {
			reason: "It stays while a declared user is observed, though nothing refers to it.",
			args: args{
				observed: map[kit.Key]kittest.State{"entry": kittest.Ready(), "policy": kittest.Ready()},
				compose: func(d *kit.Desired) {
					d.RemoveAfter("policy")
					d.RemoveAfter("entry", "policy")
				},
			},
			want: answer{Composed: []kit.Key{"entry"}, Leaving: map[kit.Key][]kit.Key{"entry": {"policy"}}},
		},
		"DeclaredUserDeleting": {
			reason: "A user that is on its way out still uses it: AWS would refuse.",
			args: args{
				observed: map[kit.Key]kittest.State{"entry": kittest.Ready(), "policy": {Deleting: true}},
				compose: func(d *kit.Desired) {
					d.RemoveAfter("policy")
					d.RemoveAfter("entry", "policy")
				},
			},
			want: answer{Composed: []kit.Key{"entry"}, Leaving: map[kit.Key][]kit.Key{"entry": {"policy"}}},
		},
		"DeclaredUserGone": {
			reason: "It goes in the run that sees its last user gone.",
			args: args{
				observed: map[kit.Key]kittest.State{"entry": kittest.Ready()},
				compose:  func(d *kit.Desired) { d.RemoveAfter("entry", "policy") },
			},
			want: answer{},
		},
		"UserByReference": {
			reason: "Whatever refers to it by name is a user without being declared.",
			args: args{
				observed: map[kit.Key]kittest.State{"nat": kittest.Ready(), "route": kittest.Referring(map[string]any{"natGatewayIdRef": kittest.Ref("studio-nat")})},
				compose: func(d *kit.Desired) {
					d.RemoveAfter("route")
					d.RemoveAfter("nat")
				},
			},
			want: answer{Composed: []kit.Key{"nat"}, Leaving: map[kit.Key][]kit.Key{"nat": {"route"}}},
		},
		"UserByReferenceInList": {
			reason: "In a list of references too.",
			args: args{
				observed: map[kit.Key]kittest.State{"subnet": kittest.Ready(), "cluster": kittest.Referring(map[string]any{"vpcConfig": map[string]any{"subnetIdRefs": []any{kittest.Ref("studio-other"), kittest.Ref("studio-subnet")}}})},
				compose: func(d *kit.Desired) {
					d.RemoveAfter("cluster")
					d.RemoveAfter("subnet")
				},
			},
			want: answer{Composed: []kit.Key{"subnet"}, Leaving: map[kit.Key][]kit.Key{"subnet": {"cluster"}}},
		},
		"UserOfThisRun": {
			reason: "What this very run makes refer to it is a user too: Crossplane deletes first and applies then.",
			args: args{
				observed: map[kit.Key]kittest.State{"vpc": kittest.Ready()},
				compose: func(d *kit.Desired) {
					d.Add("subnet", subnet(d))
					d.RemoveAfter("vpc")
				},
			},
			want: answer{
				Composed: []kit.Key{"subnet", "vpc"},
				NotReady: []kit.Key{"subnet"},
				Leaving:  map[kit.Key][]kit.Key{"vpc": {"subnet"}},
			},
		},
		"OtherName": {
			reason: "A reference to another resource is none of its business.",
			args: args{
				observed: map[kit.Key]kittest.State{"nat": kittest.Ready(), "route": kittest.Referring(map[string]any{"natGatewayIdRef": kittest.Ref("studio-nat-regional")})},
				compose: func(d *kit.Desired) {
					d.RemoveAfter("route")
					d.RemoveAfter("nat")
				},
			},
			want: answer{},
		},
		"UserByUsage": {
			reason: "A Usage of it would refuse the delete, so the Usage leaves first.",
			args: args{
				observed: map[kit.Key]kittest.State{"nat": kittest.Ready(), "usage-nat-by-route": kittest.UsageOf("studio-nat")},
				compose:  func(d *kit.Desired) { d.RemoveAfter("nat") },
			},
			want: answer{Composed: []kit.Key{"nat"}, Leaving: map[kit.Key][]kit.Key{"nat": {"usage-nat-by-route"}}},
		},
		"UsedTwice": {
			reason: "A user that is both declared and by reference counts once; all of them are sorted.",
			args: args{
				observed: map[kit.Key]kittest.State{"nat": kittest.Ready(), "route": kittest.Referring(map[string]any{"natGatewayIdRef": kittest.Ref("studio-nat")}), "alarm": kittest.Ready()},
				compose: func(d *kit.Desired) {
					d.RemoveAfter("alarm")
					d.RemoveAfter("route")
					d.RemoveAfter("nat", "route", "alarm")
				},
			},
			want: answer{Composed: []kit.Key{"nat"}, Leaving: map[kit.Key][]kit.Key{"nat": {"alarm", "route"}}},
		},
		"AddedAllTheSame": {
			reason: "What a part adds stays, whatever another says may leave.",
			args: args{
				observed: map[kit.Key]kittest.State{"nat": kittest.Ready()},
				compose: func(d *kit.Desired) {
					d.RemoveAfter("nat")
					d.Add("nat", &ec2.NATGateway{})
				},
			},
			want: answer{Composed: []kit.Key{"nat"}},
		},
		"NotObserved": {
			reason: "What was never there need not leave.",
			args:   args{compose: func(d *kit.Desired) { d.RemoveAfter("nat", "route") }},
			want:   answer{},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := kit.NewDesired(inventory{}, observe(tc.args.observed))
			if tc.args.compose != nil {
				tc.args.compose(d)
			}

			if diff := cmp.Diff(tc.want, answerOf(d), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nRemoveAfter(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestHold(t *testing.T) {
	cases := map[string]struct {
		reason   string
		key      kit.Key
		observed kittest.State
		want     map[string]any
	}{
		"SpecAlone": {
			reason: "What is held is applied with the spec that it has, and with nothing that others own.",
			key:    "nat",
			observed: kittest.State{
				Name:        "an-older-name",
				Generation:  7,
				Annotations: map[string]any{"crossplane.io/external-name": "nat-0a1b"},
				Spec: map[string]any{
					"forProvider":        map[string]any{"subnetId": "subnet-1", "subnetIdRef": kittest.Ref("studio-subnet")},
					"managementPolicies": []any{"*"},
				},
				Ready:      map[string]any{"status": "True"},
				AtProvider: map[string]any{"id": "nat-0a1b"},
			},
			want: map[string]any{
				"apiVersion": "ec2.aws.m.upbound.io/v1beta1",
				"kind":       "VPC",
				"metadata":   map[string]any{"name": "an-older-name"},
				"spec": map[string]any{
					"forProvider":        map[string]any{"subnetId": "subnet-1", "subnetIdRef": kittest.Ref("studio-subnet")},
					"managementPolicies": []any{"*"},
				},
			},
		},
		"NameThatWeGave": {
			reason:   "An external name that we gave is kept: without it the provider would look for another resource.",
			key:      "bucket",
			observed: kittest.State{Annotations: map[string]any{"crossplane.io/external-name": "a-global-name"}},
			want: map[string]any{
				"apiVersion": "ec2.aws.m.upbound.io/v1beta1",
				"kind":       "VPC",
				"metadata": map[string]any{
					"name":        "studio-bucket",
					"annotations": map[string]any{"crossplane.io/external-name": "a-global-name"},
				},
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := kit.NewDesired(inventory{}, observe(map[kit.Key]kittest.State{tc.key: tc.observed, "user": kittest.Ready()}))
			d.Add("user", &ec2.VPC{})
			d.RemoveAfter(tc.key, "user")

			got, err := objectOf(d, tc.key)
			if err != nil {
				t.Fatalf("%s\nRemoveAfter(...): %v", tc.reason, err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nRemoveAfter(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestHoldCopies holds that what is desired shares nothing with what was
// observed: the one is changed while the other is still read.
func TestHoldCopies(t *testing.T) {
	o := observe(map[kit.Key]kittest.State{"nat": {Spec: map[string]any{"forProvider": map[string]any{"subnetId": "subnet-1"}}}, "user": kittest.Ready()})
	for range 2 {
		d := kit.NewDesired(inventory{}, o)
		d.Add("user", &ec2.VPC{})
		d.RemoveAfter("nat", "user")

		got, err := objectOf(d, "nat")
		if err != nil {
			t.Fatal(err)
		}

		params := got["spec"].(map[string]any)["forProvider"].(map[string]any)
		if params["subnetId"] != "subnet-1" {
			t.Errorf("spec.forProvider.subnetId: want subnet-1, got %v", params["subnetId"])
		}

		params["subnetId"] = "changed"
	}
}
