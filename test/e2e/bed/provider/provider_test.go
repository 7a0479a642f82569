package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const network = `
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: VPC
metadata: {name: vpc}
spec:
  forProvider: {region: ap-northeast-1, cidrBlock: 10.42.0.0/16, enableDnsHostnames: true, enableDnsSupport: true}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Subnet
metadata: {name: one}
spec:
  forProvider: {region: ap-northeast-1, cidrBlock: 10.42.0.0/19, availabilityZoneId: apne1-az1, vpcIdRef: {name: vpc}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Subnet
metadata: {name: two}
spec:
  forProvider: {region: ap-northeast-1, cidrBlock: 10.42.32.0/19, availabilityZoneId: apne1-az2, vpcIdRef: {name: vpc}}
`

const cluster = `
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: Cluster
metadata: {name: studio}
spec:
  forProvider:
    region: ap-northeast-1
    roleArn: arn:aws:iam::123456789012:role/studio
    version: "1.35"
    vpcConfig: {subnetIdRefs: [{name: one}, {name: two}]}
`

func TestCreateToGone(t *testing.T) {
	w := newWorkbench(t, fast, Options{})
	us := w.apply(network + "---" + cluster)
	w.ready(us...)

	c := w.get(us[3])
	if diff := cmp.Diff("ACTIVE", atProvider(c).String("status")); diff != "" {
		t.Errorf("cluster status: -want, +got:\n%s", diff)
	}
	if got := atProvider(c).String("vpcConfig.vpcId"); got != w.get(us[0]).GetAnnotations()[annotationName] {
		t.Errorf("cluster vpcId: got %q", got)
	}
	w.remove(us...)
	w.gone(us...)
	if left := w.aws.Ledger().Left(); len(left) > 0 {
		t.Errorf("left in AWS: %v", left)
	}
	if l := w.aws.Ledger(); len(l.Entries) != 4 {
		t.Errorf("ledger: want 4 entries, got %v", l.Entries)
	}
}
