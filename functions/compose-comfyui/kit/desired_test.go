package kit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
)

func subnet(d *kit.Desired) *ec2.Subnet {
	return &ec2.Subnet{Spec: ec2.SubnetSpec{ForProvider: ec2.SubnetParameters_2{VPCIDRef: d.Ref("vpc")}}}
}

func TestAddWhen(t *testing.T) {
	type args struct {
		observed map[kit.Key]kittest.State
		add      func(d *kit.Desired)
	}

	cases := map[string]struct {
		reason string
		args   args
		want   answer
	}{
		"WithoutGate": {
			reason: "A resource that needs nothing is composed in the first run, and is not ready before it was observed.",
			args:   args{add: func(d *kit.Desired) { d.Add("vpc", &ec2.VPC{}) }},
			want:   answer{Composed: []kit.Key{"vpc"}, NotReady: []kit.Key{"vpc"}},
		},
		"OrderClosedAndUnseen": {
			reason: "A resource waits for what it comes after until that is ready, not only there.",
			args: args{
				observed: map[kit.Key]kittest.State{"vpc": kittest.Creating()},
				add: func(d *kit.Desired) {
					d.Add("vpc", &ec2.VPC{})
					d.AddWhen(kit.After("vpc"), "bucket", &s3.Bucket{})
				},
			},
			want: answer{
				Composed: []kit.Key{"vpc"},
				NotReady: []kit.Key{"vpc"},
				Waiting:  map[kit.Key][]string{"bucket": {"vpc"}},
			},
		},
		"OrderClosedNamesAll": {
			reason: "Everything that is not ready yet is named, each once and sorted.",
			args: args{add: func(d *kit.Desired) {
				d.AddWhen(kit.All(kit.After("role", "policy"), kit.After("policy")), "bucket", &s3.Bucket{})
			}},
			want: answer{Waiting: map[kit.Key][]string{"bucket": {"policy", "role"}}},
		},
		"OrderClosedAndSeen": {
			reason: "A gate that closes again takes nothing away: what exists stays desired.",
			args: args{
				observed: map[kit.Key]kittest.State{"vpc": kittest.Creating(), "bucket": kittest.Ready()},
				add: func(d *kit.Desired) {
					d.Add("vpc", &ec2.VPC{})
					d.AddWhen(kit.After("vpc"), "bucket", &s3.Bucket{})
				},
			},
			want: answer{Composed: []kit.Key{"bucket", "vpc"}, NotReady: []kit.Key{"vpc"}},
		},
		"OrderGoneAndSeen": {
			reason: "What exists stays desired even when what it came after is gone altogether.",
			args: args{
				observed: map[kit.Key]kittest.State{"bucket": kittest.Ready()},
				add: func(d *kit.Desired) {
					d.Add("vpc", &ec2.VPC{})
					d.AddWhen(kit.After("vpc"), "bucket", &s3.Bucket{})
				},
			},
			want: answer{Composed: []kit.Key{"bucket", "vpc"}, NotReady: []kit.Key{"vpc"}},
		},
		"OrderOpen": {
			reason: "The gate opens in the run that observes everything ready.",
			args: args{
				observed: map[kit.Key]kittest.State{"vpc": kittest.Ready()},
				add: func(d *kit.Desired) {
					d.Add("vpc", &ec2.VPC{})
					d.AddWhen(kit.After("vpc"), "bucket", &s3.Bucket{})
				},
			},
			want: answer{Composed: []kit.Key{"bucket", "vpc"}, NotReady: []kit.Key{"bucket"}},
		},
		"ValueUnknown": {
			reason: "A resource waits for a value that was never known, in the value's words.",
			args:   args{add: func(d *kit.Desired) { d.AddWhen(kit.Needs("", "the account id"), "bucket", &s3.Bucket{}) }},
			want:   answer{Waiting: map[kit.Key][]string{"bucket": {"the account id"}}},
		},
		"ValueBeforeOrder": {
			reason: "A missing value is what is waited for; the order matters only once the object can be made.",
			args: args{add: func(d *kit.Desired) {
				d.AddWhen(kit.All(kit.After("vpc"), kit.Needs("", "the account id"), kit.Needs("1.35", "the version")), "bucket", &s3.Bucket{})
			}},
			want: answer{Waiting: map[kit.Key][]string{"bucket": {"the account id"}}},
		},
		"ValueLost": {
			reason: "A live resource whose value is lost is an error: to leave the field out would take it away.",
			args: args{
				observed: map[kit.Key]kittest.State{"bucket": kittest.Ready()},
				add:      func(d *kit.Desired) { d.AddWhen(kit.Needs("", "the account id"), "bucket", &s3.Bucket{}) },
			},
			want: answer{Errors: []string{`cannot compose "bucket": the account id was known and is not any more`}},
		},
		"ValueLostByMany": {
			reason: "However many need it, a lost value is told once.",
			args: args{
				observed: map[kit.Key]kittest.State{"a": kittest.Ready(), "b": kittest.Ready(), "c": kittest.Ready(), "d": kittest.Ready(), "bucket": kittest.Ready()},
				add: func(d *kit.Desired) {
					d.AddWhen(kit.Needs("", "the version"), "bucket", &s3.Bucket{})

					for _, k := range []kit.Key{"d", "c", "b", "a"} {
						d.AddWhen(kit.Needs("", "the account id"), k, &s3.Bucket{})
					}
				},
			},
			want: answer{Errors: []string{
				`cannot compose "a", "b", "c" and 1 more: the account id was known and is not any more`,
				`cannot compose "bucket": the version was known and is not any more`,
			}},
		},
		"NotHappened": {
			reason: "A resource waits for what has not happened, in words, behind the resources that are not ready.",
			args: args{add: func(d *kit.Desired) {
				d.AddWhen(kit.All(kit.Until(false, "the image"), kit.After("vpc")), "bucket", &s3.Bucket{})
			}},
			want: answer{Waiting: map[kit.Key][]string{"bucket": {"vpc", "the image"}}},
		},
		"Happened": {
			reason: "It is made in the run that sees that it happened.",
			args:   args{add: func(d *kit.Desired) { d.AddWhen(kit.Until(true, "the image"), "bucket", &s3.Bucket{}) }},
			want:   answer{Composed: []kit.Key{"bucket"}, NotReady: []kit.Key{"bucket"}},
		},
		"NotHappenedAndSeen": {
			reason: "What exists stays desired when it no longer looks as if it had happened.",
			args: args{
				observed: map[kit.Key]kittest.State{"bucket": kittest.Ready()},
				add:      func(d *kit.Desired) { d.AddWhen(kit.Until(false, "the image"), "bucket", &s3.Bucket{}) },
			},
			want: answer{Composed: []kit.Key{"bucket"}},
		},
		"Reference": {
			reason: "A reference is an order gate, without being said twice.",
			args:   args{add: func(d *kit.Desired) { d.Add("subnet", subnet(d)) }},
			want:   answer{Waiting: map[kit.Key][]string{"subnet": {"vpc"}}},
		},
		"ReferenceReady": {
			reason: "It opens when what is referred to is ready.",
			args: args{
				observed: map[kit.Key]kittest.State{"vpc": kittest.Ready()},
				add: func(d *kit.Desired) {
					d.Add("vpc", &ec2.VPC{})
					d.Add("subnet", subnet(d))
				},
			},
			want: answer{Composed: []kit.Key{"subnet", "vpc"}, NotReady: []kit.Key{"subnet"}},
		},
		"ReferencesNested": {
			reason: "References in lists below the first level count too.",
			args: args{
				observed: map[kit.Key]kittest.State{"role": kittest.Ready(), "subnet-a": kittest.Ready()},
				add: func(d *kit.Desired) {
					d.Add("role", &ec2.VPC{})
					d.Add("subnet-a", &ec2.VPC{})
					d.Add("cluster", &eks.Cluster{Spec: eks.ClusterSpec{ForProvider: eks.ClusterParameters{
						RoleArnRef: d.Ref("role"),
						VPCConfig:  &eks.VPCConfigParameters{SubnetIDRefs: d.Refs("subnet-a", "subnet-b")},
					}}})
				},
			},
			want: answer{
				Composed: []kit.Key{"role", "subnet-a"},
				Waiting:  map[kit.Key][]string{"cluster": {"subnet-b"}},
			},
		},
		"ReferenceToObservedName": {
			reason: "Crossplane keeps the name that a resource was made with, so a reference follows it.",
			args: args{
				observed: map[kit.Key]kittest.State{"vpc": {Name: "an-older-name", Ready: map[string]any{"status": "True"}}},
				add: func(d *kit.Desired) {
					d.Add("vpc", &ec2.VPC{})
					d.Add("subnet", subnet(d))
				},
			},
			want: answer{Composed: []kit.Key{"subnet", "vpc"}, NotReady: []kit.Key{"subnet"}},
		},
		"ReferenceToDeleting": {
			reason: "What is on its way out is nothing to build on.",
			args: args{
				observed: map[kit.Key]kittest.State{"vpc": {Deleting: true, Ready: map[string]any{"status": "True"}}},
				add: func(d *kit.Desired) {
					d.Add("vpc", &ec2.VPC{})
					d.Add("subnet", subnet(d))
				},
			},
			want: answer{
				Composed: []kit.Key{"vpc"},
				NotReady: []kit.Key{"vpc"},
				Waiting:  map[kit.Key][]string{"subnet": {"vpc"}},
			},
		},
		"Twice": {
			reason: "Two parts that add one key would overwrite each other.",
			args: args{add: func(d *kit.Desired) {
				d.Add("vpc", &ec2.VPC{})
				d.Add("vpc", &ec2.VPC{})
			}},
			want: answer{Errors: []string{`cannot compose "vpc": it is added twice`}},
		},
		"Unknown": {
			reason: "A key that the inventory does not list is refused, and named once even where it exists.",
			args: args{
				observed: map[kit.Key]kittest.State{"unknown": kittest.Ready()},
				add:      func(d *kit.Desired) { d.Add("unknown", &ec2.VPC{}) },
			},
			want: answer{Errors: []string{`cannot compose "unknown": the inventory does not list it`}},
		},
		"Named": {
			reason: "Names are the inventory's to give.",
			args: args{
				observed: map[kit.Key]kittest.State{"vpc": kittest.Ready()},
				add: func(d *kit.Desired) {
					o := &ec2.VPC{}
					o.SetName("mine")
					d.Add("vpc", o)
				},
			},
			want: answer{Errors: []string{`cannot compose "vpc": a part must not name it, but it is called "mine"`}},
		},
		"ErrorsJoined": {
			reason: "Everything that went wrong is told in one go, in an order that does not change.",
			args: args{
				observed: map[kit.Key]kittest.State{"bucket": kittest.Ready(), "stray": kittest.Ready()},
				add: func(d *kit.Desired) {
					d.Add("unknown", &ec2.VPC{})
					d.AddWhen(kit.Needs("", "the account id"), "bucket", &s3.Bucket{})
					d.Add("vpc", &ec2.VPC{})
				},
			},
			want: answer{Errors: []string{
				`cannot compose "unknown": the inventory does not list it`,
				`cannot leave out "stray": it exists, and put it back`,
				`cannot compose "bucket": the account id was known and is not any more`,
			}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := kit.NewDesired(inventory{}, observe(tc.args.observed))
			tc.args.add(d)

			if diff := cmp.Diff(tc.want, answerOf(d), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nAddWhen(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestGates holds that a Result tells what every resource was gated by, whether
// it waits or not: the bed takes each gate away in turn.
func TestGates(t *testing.T) {
	d := kit.NewDesired(inventory{}, observe(nil))
	d.Add("vpc", &ec2.VPC{})
	d.AddWhen(kit.All(kit.After("role", "vpc"), kit.Until(true, "the image"), kit.Needs("1.35", "the version")), "subnet", subnet(d))

	r, err := d.Result()
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(map[kit.Key][]kit.Key{"vpc": nil, "subnet": {"role", "vpc"}}, r.After, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Result().After: -want, +got:\n%s", diff)
	}

	if diff := cmp.Diff(map[kit.Key][]string{"subnet": {"the version", "the image"}}, r.Needs); diff != "" {
		t.Errorf("Result().Needs: -want, +got:\n%s", diff)
	}
}
