package plan

import (
	"fmt"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

func TestKnown(t *testing.T) {
	cases := map[string]struct {
		reason string
		key    kit.Key
		want   bool
	}{
		"Fixed":        {reason: "What stands for one resource is listed.", key: VPC, want: true},
		"Bucket":       {reason: "So is every setting of every bucket.", key: BucketKey(Outputs, BucketLifecycle), want: true},
		"NoBucket":     {reason: "But no bucket that there is not.", key: "storage-others", want: false},
		"Family":       {reason: "A family has a member for every zone.", key: PrivateSubnet("apne1-az4"), want: true},
		"FamilyItself": {reason: "The family's name alone is no key.", key: "network-private-subnet-", want: false},
		"Usage":        {reason: "Usages are a family.", key: "usage-cluster-eks-by-cluster-system-nodes", want: true},
		"Typo":         {reason: "A slip is found out.", key: "network-vcp", want: false},
		"Empty":        {reason: "Nothing is no key.", key: "", want: false},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := newPlan(t).Known(tc.key); got != tc.want {
				t.Errorf("%s\nKnown(%q): want %t, got %t", tc.reason, tc.key, tc.want, got)
			}
		})
	}
}

func TestRemedy(t *testing.T) {
	const grows = "spec.network.zoneIDs may only grow: put the zone back"

	cases := map[string]struct {
		reason string
		key    kit.Key
		want   string
	}{
		"Zone":       {reason: "A zone that was dropped is put back.", key: PrivateSubnet("apne1-az4"), want: grows},
		"ZoneRoutes": {reason: "Its routes say the same.", key: PrivateSubnetRoutes("apne1-az4"), want: grows},
		"Other": {
			reason: "What no field takes away was made by another version.",
			key:    VPC,
			want:   "nothing in the spec takes it away; run the version of the function that made it, or delete tokyo-128572-network-vpc by hand",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := newPlan(t).Remedy(tc.key); got != tc.want {
				t.Errorf("%s\nRemedy(%q): want %q, got %q", tc.reason, tc.key, tc.want, got)
			}
		})
	}
}

// TestFamiliesApart holds that a member of one family is never one of another:
// private-routes is a key and the start of a family.
func TestFamiliesApart(t *testing.T) {
	for prefix := range families() {
		if got, want := family(kit.Key(prefix+"x")), prefix; got != want {
			t.Errorf("family(%q): want %q, got %q", prefix+"x", want, got)
		}
	}

	for _, k := range Inventory() {
		if f := family(k); f != "" {
			t.Errorf("%s stands for one resource and looks like a member of %s", k, f)
		}
	}
}

func TestAdminKeys(t *testing.T) {
	const arn = "arn:aws:iam::123456789012:role/platform"

	if got, want := AdminPolicyOf(AdminEntry(arn)), AdminPolicy(arn); got != want {
		t.Errorf("The policy of an entry is found without its ARN, which the spec no longer holds.\nAdminPolicyOf(...): want %q, got %q", want, got)
	}

	if AdminEntry(arn) == AdminEntry(arn+"2") {
		t.Error("Two principals have two entries.")
	}
}

func TestPartOf(t *testing.T) {
	for k, want := range map[kit.Key]string{
		VPC:                              "network",
		BucketKey(Models, BucketItself):  "storage",
		"usage-cluster-eks-by-something": "usage",
		"lonely":                         "lonely",
	} {
		if got := PartOf(k); got != want {
			t.Errorf("PartOf(%q): want %q, got %q", k, want, got)
		}
	}
}

// TestStableKeys pins keys that are made from data. A key that changes deletes
// what it stood for and makes another.
func TestStableKeys(t *testing.T) {
	want := "network-private-subnet-apne1-az4 network-private-routes-apne1-az4 network-public-subnet-apne1-az4 " +
		"network-public-routes-apne1-az4 cluster-admin-entry-e680b0ff cluster-admin-policy-e680b0ff storage-models storage-outputs-lifecycle"

	const zone, arn = "apne1-az4", "arn:aws:iam::123456789012:role/platform"

	got := fmt.Sprint(PrivateSubnet(zone), " ", PrivateSubnetRoutes(zone), " ", PublicSubnet(zone), " ", PublicSubnetRoutes(zone), " ",
		AdminEntry(arn), " ", AdminPolicy(arn), " ", BucketKey(Models, BucketItself), " ", BucketKey(Outputs, BucketLifecycle))
	if got != want {
		t.Errorf("want %s\n got %s", want, got)
	}
}
