package cloud

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const testProfile = `apiVersion: iam.aws.m.upbound.io/v1beta1
kind: InstanceProfile
metadata: {name: profile}
spec: {forProvider: {role: gpu-role}}`

const testInstance = `apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Instance
metadata: {name: gpu}
spec: {forProvider: {region: us-east-1, instanceType: g6.2xlarge, subnetId: $two.id, vpcSecurityGroupIds: [$studio.sg, $peer.id], iamInstanceProfile: profile}}`

func TestInstanceRefused(t *testing.T) {
	cases := map[string]struct {
		reason    string
		old, with string
		code      string
	}{
		"NoSubnet":     {"An instance needs a subnet that is there.", "$two.id", "subnet-0", "InvalidSubnetID.NotFound"},
		"NoGroup":      {"And security groups that are there.", "$peer.id", "sg-0", "InvalidGroup.NotFound"},
		"ForeignGroup": {"In the subnet's own network.", "$two.id", "$foreign.id", "InvalidParameter"},
		"NoProfile":    {"And its instance profile.", "Profile: profile", "Profile: nobody", "InvalidParameterValue"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, testNetwork, testCluster, testProfile)

			_, err := w.Create(w.call(strings.Replace(testInstance, tc.old, tc.with, 1)))
			if diff := cmp.Diff(tc.code, Code(err)); diff != "" {
				t.Errorf("%s\nCreate: -want code, +got code:\n%s\n%v", tc.reason, diff, err)
			}
		})
	}
}

func TestInstanceHolds(t *testing.T) {
	w := newWorld(t, testNetwork, testCluster, testProfile)
	i := w.make(testInstance)

	if diff := cmp.Diff("use1-az2 ip-10-42-", i.Attrs.String("availabilityZoneId")+" "+i.Attrs.String("privateDns")[:9]); diff != "" {
		t.Errorf("An instance is in its subnet's zone and network: -want, +got:\n%s", diff)
	}

	listed := []string{}
	for _, e := range w.Ledger().Left() {
		if e.Kind == "Instance" {
			listed = append(listed, e.ID)
		}
	}

	if diff := cmp.Diff([]string{i.ID}, listed); diff != "" {
		t.Errorf("What runs is left in the ledger: -want, +got:\n%s", diff)
	}

	for name, want := range map[string]string{"vpc": "DependencyViolation", "two": "DependencyViolation", "peer": "DependencyViolation"} {
		r := w.made[name]
		if diff := cmp.Diff(want, Code(w.Delete(Call{Kind: r.Kind, ID: r.ID, Args: r.Args}))); diff != "" {
			t.Errorf("A running instance holds %s: -want code, +got code:\n%s", name, diff)
		}
	}

	// IAM lets a profile go from under an instance.
	p := w.made["profile"]
	if err := w.Delete(Call{Kind: p.Kind, ID: p.ID, Args: p.Args}); err != nil {
		t.Errorf("Delete(profile): %v", err)
	}

	c := Call{Kind: i.Kind, ID: i.ID, Args: i.Args}
	if err := w.Delete(c); err != nil {
		t.Fatal(err)
	}

	if err := w.AwaitGone(context.Background(), c, time.Hour); err != nil {
		t.Fatal(err)
	}

	if got := w.List(kindInstance, "us-east-1"); len(got) > 0 {
		t.Errorf("List: want none after the end, got %v", got)
	}
}
