package workcluster

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/provider"
)

const region = "ap-northeast-1"

// account is an AWS with what clusters need.
type account struct {
	*testing.T

	aws     *cloud.AWS
	role    string
	subnets []any
}

func newAccount(t *testing.T) account {
	t.Helper()

	a := account{T: t, aws: cloud.New(cloud.Options{Scale: 6000})}
	vpc := a.make("ec2", "VPC", "vpc", cloud.Values{"cidrBlock": "10.42.0.0/16"})
	one := a.make("ec2", "Subnet", "one", cloud.Values{"vpcId": vpc.ID, "cidrBlock": "10.42.32.0/19", "availabilityZoneId": "apne1-az1"})
	two := a.make("ec2", "Subnet", "two", cloud.Values{"vpcId": vpc.ID, "cidrBlock": "10.42.64.0/19", "availabilityZoneId": "apne1-az2"})
	a.subnets = []any{one.ID, two.ID}
	a.role = a.make("iam", "Role", "eks", cloud.Values{
		"assumeRolePolicy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
	}).ARN

	return a
}

func (a account) make(service, kind, name string, args cloud.Values) cloud.Resource {
	a.Helper()

	args["region"] = region
	c := cloud.Call{Kind: cloud.Kind{Service: service, Name: kind}, Name: name, Args: args}

	r, err := a.aws.Create(c)
	if err != nil {
		a.Fatal(err)
	}

	c.ID = r.ID

	r, err = a.aws.Await(a.Context(), c, time.Hour)
	if err != nil {
		a.Fatal(err)
	}

	return r
}

// TestKnows asks for an access entry behind the token.
func TestKnows(t *testing.T) {
	a := newAccount(t)
	f := New(Options{AWS: a.aws})

	cluster := func(name string, creatorIsAdmin bool) {
		a.make("eks", "Cluster", name, cloud.Values{
			"roleArn": a.role, "vpcConfig": map[string]any{"subnetIds": a.subnets},
			"accessConfig": map[string]any{"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": creatorIsAdmin},
		})
	}
	cluster("creator", true)
	cluster("stranger", false)
	cluster("invited", false)
	a.make("eks", "AccessEntry", "invited", cloud.Values{
		"clusterName": "invited", "principalArn": "arn:aws:iam::" + a.aws.AccountID() + ":role/crossplane-provider-aws",
	})

	for name, tc := range map[string]struct {
		reason string
		want   bool
	}{
		"creator":  {"EKS lets in who made the cluster, if asked to.", true},
		"stranger": {"Else the creator is a stranger, whatever token it has.", false},
		"invited":  {"An entry of its own does as well.", true},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, f.knows(Cluster{Name: name, Region: region})); diff != "" {
				t.Errorf("\n%s\nknows(%s): -want, +got:\n%s", tc.reason, name, diff)
			}
		})
	}
}

// TestNoCluster has no way in to a cluster that does not run.
func TestNoCluster(t *testing.T) {
	f := New(Options{AWS: newAccount(t).aws})

	if c, err := f.Kubeconfig(provider.Cluster{Name: "nobody", Region: region}); err == nil {
		t.Errorf("Kubeconfig(nobody): want an error, got %s", c.Kubeconfig)
	}

	if c, ok := f.Find(region, "nobody"); ok {
		t.Errorf("Find(nobody): want none, got %v", c)
	}
}
