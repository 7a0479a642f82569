package kit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
)

const vpcByRole kit.Key = "usage-vpc-by-role"

func TestUse(t *testing.T) {
	both := func(d *kit.Desired) {
		d.Add("vpc", &ec2.VPC{})
		d.Add("role", &iam.Role{})
		d.Use("vpc", "role")
	}

	cases := map[string]struct {
		reason   string
		observed map[kit.Key]kittest.State
		compose  func(d *kit.Desired)
		want     answer
	}{
		"NeitherExists": {
			reason:  "A Usage of what does not exist would be refused by Crossplane.",
			compose: both,
			want:    answer{Composed: []kit.Key{"role", "vpc"}, NotReady: []kit.Key{"role", "vpc"}},
		},
		"OneExists": {
			reason:   "Both sides must exist.",
			observed: map[kit.Key]kittest.State{"vpc": kittest.Ready()},
			compose:  both,
			want:     answer{Composed: []kit.Key{"role", "vpc"}, NotReady: []kit.Key{"role"}},
		},
		"BothExist": {
			reason:   "It comes as soon as both exist, ready or not: the claim may be deleted at any time.",
			observed: map[kit.Key]kittest.State{"vpc": kittest.Ready(), "role": kittest.Creating()},
			compose:  both,
			want:     answer{Composed: []kit.Key{"role", vpcByRole, "vpc"}, NotReady: []kit.Key{"role", vpcByRole}},
		},
		"Ready": {
			reason:   "And is ready when it says so.",
			observed: map[kit.Key]kittest.State{"vpc": kittest.Ready(), "role": kittest.Ready(), vpcByRole: kittest.UsageOf("studio-vpc")},
			compose:  both,
			want:     answer{Composed: []kit.Key{"role", vpcByRole, "vpc"}},
		},
		"ObservationLost": {
			reason:   "A Usage that exists stays while both sides are desired, even if one is not seen for a while.",
			observed: map[kit.Key]kittest.State{"role": kittest.Ready(), vpcByRole: kittest.UsageOf("studio-vpc")},
			compose:  both,
			want:     answer{Composed: []kit.Key{"role", vpcByRole, "vpc"}, NotReady: []kit.Key{"vpc"}},
		},
		"UsedLeaves": {
			reason:   "The Usage leaves first, and what it protected when it is gone.",
			observed: map[kit.Key]kittest.State{"vpc": kittest.Ready(), "role": kittest.Ready(), vpcByRole: kittest.UsageOf("studio-vpc")},
			compose: func(d *kit.Desired) {
				d.Add("role", &iam.Role{})
				d.Use("vpc", "role")
				d.RemoveAfter("vpc")
			},
			want: answer{Composed: []kit.Key{"role", "vpc"}, Leaving: map[kit.Key][]kit.Key{"vpc": {vpcByRole}}},
		},
		"UsedLeavesLater": {
			reason:   "While something else holds what leaves, its Usage stays: the claim may be deleted before it is gone.",
			observed: map[kit.Key]kittest.State{"vpc": kittest.Ready(), "role": kittest.Ready(), "subnet": kittest.Ready(), vpcByRole: kittest.UsageOf("studio-vpc")},
			compose: func(d *kit.Desired) {
				d.Add("role", &iam.Role{})
				d.Use("vpc", "role")
				d.RemoveAfter("subnet")
				d.RemoveAfter("vpc", "subnet")
			},
			want: answer{Composed: []kit.Key{"role", vpcByRole, "vpc"}, Leaving: map[kit.Key][]kit.Key{"vpc": {"subnet", vpcByRole}}},
		},
		"UserLeavesLater": {
			reason:   "A user that is held protects what it uses until it is gone.",
			observed: map[kit.Key]kittest.State{"vpc": kittest.Ready(), "role": kittest.Ready(), "subnet": kittest.Ready(), vpcByRole: kittest.UsageOf("studio-vpc")},
			compose: func(d *kit.Desired) {
				d.Add("vpc", &ec2.VPC{})
				d.Use("vpc", "role")
				d.RemoveAfter("subnet")
				d.RemoveAfter("role", "subnet")
			},
			want: answer{Composed: []kit.Key{"role", vpcByRole, "vpc"}, Leaving: map[kit.Key][]kit.Key{"role": {"subnet"}}},
		},
		"UserLeaves": {
			reason:   "With its user gone nothing needs protection.",
			observed: map[kit.Key]kittest.State{"vpc": kittest.Ready(), "role": kittest.Ready(), vpcByRole: kittest.UsageOf("studio-vpc")},
			compose: func(d *kit.Desired) {
				d.Add("vpc", &ec2.VPC{})
				d.Use("vpc", "role")
				d.RemoveAfter("role")
			},
			want: answer{Composed: []kit.Key{"vpc"}},
		},
		"NoLongerDeclared": {
			reason:   "A pair that no part declares any more leaves: a Usage makes nothing go.",
			observed: map[kit.Key]kittest.State{"vpc": kittest.Ready(), vpcByRole: kittest.UsageOf("studio-vpc")},
			compose:  func(d *kit.Desired) { d.Add("vpc", &ec2.VPC{}) },
			want:     answer{Composed: []kit.Key{"vpc"}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := kit.NewDesired(inventory{}, observe(tc.observed))
			tc.compose(d)

			if diff := cmp.Diff(tc.want, answerOf(d), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nUse(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestUsageObject(t *testing.T) {
	d := kit.NewDesired(inventory{}, observe(map[kit.Key]kittest.State{"vpc": {Name: "an-older-name"}, "role": kittest.Ready()}))
	d.Add("vpc", &ec2.VPC{})
	d.Add("role", &iam.Role{})
	d.Use("vpc", "role")

	got, err := objectOf(d, vpcByRole)
	if err != nil {
		t.Fatal(err)
	}

	want := map[string]any{
		"apiVersion": "protection.crossplane.io/v1beta1",
		"kind":       "Usage",
		"metadata":   map[string]any{"name": "studio-usage-vpc-by-role"},
		"spec": map[string]any{
			"of":             map[string]any{"apiVersion": "ec2.aws.m.upbound.io/v1beta1", "kind": "VPC", "resourceRef": kittest.Ref("an-older-name")},
			"by":             map[string]any{"apiVersion": "iam.aws.m.upbound.io/v1beta1", "kind": "Role", "resourceRef": kittest.Ref("studio-role")},
			"replayDeletion": true,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("A Usage names both sides as they are called, and replays the delete.\nUse(...): -want, +got:\n%s", diff)
	}
}
