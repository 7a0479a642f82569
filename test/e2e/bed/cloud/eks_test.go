package cloud

import (
	"strings"
	"testing"
)

// TestClusterStaysInItsVPC: a cluster's subnets may be others, of its own VPC.
func TestClusterStaysInItsVPC(t *testing.T) {
	const subnet = "apiVersion: ec2.aws.m.upbound.io/v1beta1\nkind: Subnet\nmetadata: "

	w := newWorld(t, testNetwork, testCluster,
		subnet+"{name: three}\nspec: {forProvider: {region: us-east-1, cidrBlock: 10.42.48.0/20, availabilityZoneId: use1-az4, vpcId: $vpc.id}}",
		subnet+"{name: abroad}\nspec: {forProvider: {region: us-east-1, cidrBlock: 10.43.16.0/20, availabilityZoneId: use1-az1, vpcId: $elsewhere.id}}")

	cases := map[string]struct {
		reason  string
		subnets []string
		message string
	}{
		"Same":  {"Nothing changes.", []string{"one", "two"}, ""},
		"More":  {"A zone more of the same VPC.", []string{"one", "two", "three"}, ""},
		"Other": {"Another VPC is another cluster's.", []string{"foreign", "abroad"}, "different VPC"},
		"Mixed": {"Nor may one of them be elsewhere.", []string{"one", "foreign"}, "same VPC"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := w.made["studio"]
			args := r.Args.Copy()
			ids := []any{}
			for _, s := range tc.subnets {
				ids = append(ids, w.made[s].ID)
			}
			args.Set("vpcConfig.subnetIds", ids)

			_, err := w.Update(Call{Kind: r.Kind, Name: r.Name, ID: r.ID, Args: args})
			if (err == nil) != (tc.message == "") || err != nil && !strings.Contains(err.Error(), tc.message) {
				t.Errorf("%s\nUpdate(...): want message %q, got %v", tc.reason, tc.message, err)
			}
		})
	}
}
