package edge

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
)

const (
	domain = "studio.example.com"
	zone   = "Z0123456789ABCDEFGHIJ"
	given  = "arn:aws:acm:us-east-1:123456789012:certificate/given"
)

var seed = strings.Repeat("s", secrets.SeedSize)

func newPlan(t *testing.T, access v1alpha1.Access) plan.Plan {
	t.Helper()

	return plantest.InAccount(t, func(s *v1alpha1.ComfyUIStudioSpec) { s.Access = access })
}

// known are the facts of a studio that is there.
func known(p plan.Plan) facts.Facts {
	const lb = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/edge/1"

	f := facts.Facts{
		ClusterSecurityGroupID: "sg-cluster",
		Workload:               facts.Workload{Seed: seed},
		Edge: facts.Edge{
			LoadBalancerARN: lb, LoadBalancerDNSName: "internal-edge-1.elb.amazonaws.com", LoadBalancerZoneID: "Z14GRHDCWA56QT",
			TargetGroupARN:   "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/edge/1",
			AutoscalingGroup: "eks-1", Attachment: plan.Attachment("eks-1"),
			AllowedIPv4ARN: "arn:v4", AllowedIPv6ARN: "arn:v6", WebACLARN: "arn:acl",
			Certificate: facts.Certificate{DomainName: domain, ARN: "arn:ordered", RecordName: "_1." + domain + ".", RecordValue: "_2.acm-validations.aws."},
		},
	}
	if p.BehindCloudFront() {
		origin := plan.VPCOrigin(p.VPCOriginSetting(lb))
		f.Edge.WantedVPCOrigin, f.Edge.VPCOrigin, f.Edge.VPCOriginID, f.Edge.VPCOriginMoved = origin, origin, "vo_1", true
		f.Edge.DistributionID, f.Edge.DistributionDomainName = "E1", "d1.cloudfront.net"
	}

	if p.DomainName() != "" {
		f.Edge.Served = facts.Served{DomainName: domain, CertificateARN: "arn:ordered"}
		f.Edge.Alias = facts.Alias{DNSName: "d1.cloudfront.net", ZoneID: plan.CloudFrontZone}
	}

	return f
}

// others are the resources of other parts that the edge builds on.
func others(p plan.Plan) map[kit.Key]kittest.State {
	out := map[kit.Key]kittest.State{}
	for _, k := range []kit.Key{plan.VPC, plan.InternetGateway, plan.ALBSecurityGroup, plan.Cluster, plan.SystemNodes} {
		out[k] = kittest.Ready()
	}

	for _, z := range p.Network.ClusterZones() {
		out[plan.PrivateSubnet(z.ID)] = kittest.Ready()
	}

	return out
}

func compose(t *testing.T, p plan.Plan, f facts.Facts, states map[kit.Key]kittest.State) kittest.Result {
	t.Helper()

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)

	// They are other parts'; here they are nobody's.
	for k := range states {
		if plan.PartOf(k) != "edge" {
			d.RemoveAfter(k)
		}
	}

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	maps.DeleteFunc(r.Leaving, func(k kit.Key, _ []kit.Key) bool { return plan.PartOf(k) != "edge" })

	return r
}

// up observes everything that the part makes as ready.
func up(t *testing.T, p plan.Plan, f facts.Facts) map[kit.Key]kittest.State {
	t.Helper()

	states := others(p)

	for range 10 {
		r := compose(t, p, f, states)

		for k, o := range r.Resources {
			if plan.PartOf(k) == "edge" {
				spec, _, _ := unstructured.NestedMap(o.Object, "spec", "forProvider")
				states[k] = kittest.Referring(spec)
			}
		}

		if len(r.Waiting) == 0 {
			return states
		}
	}

	t.Fatal("the edge does not come up")

	return nil
}

func field(t *testing.T, r kittest.Result, k kit.Key, path ...string) any {
	t.Helper()

	if r.Resources[k] == nil {
		t.Fatalf("%s is not desired", k)
	}

	v, _, err := unstructured.NestedFieldNoCopy(r.Resources[k].Object, append([]string{"spec", "forProvider"}, path...)...)
	if err != nil {
		t.Fatal(err)
	}

	return v
}

// TestKeys lists what each kind of access is made of when all of it is there.
func TestKeys(t *testing.T) {
	from := plan.LoadBalancerIn
	always := []kit.Key{
		plan.LoadBalancer, plan.TargetGroup, plan.Listener, plan.Attachment("eks-1"),
		plan.LoadBalancerOut, plan.LoadBalancerOutHealth, plan.ClusterFromLoadBalancer, plan.ClusterFromHealthCheck,
	}
	origin := known(newPlan(t, v1alpha1.Access{})).Edge.VPCOrigin

	cases := map[string]struct {
		reason string
		access v1alpha1.Access
		want   []kit.Key
	}{
		"CloudFront": {
			reason: "By default CloudFront stands before the load balancer, and nobody else reaches it.",
			want:   []kit.Key{from("pl-58a04531:80"), origin, plan.Distribution},
		},
		"Firewall": {
			reason: "Some viewers are let in by AWS WAF, whichever protocol their ranges are of.",
			access: v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}},
			want:   []kit.Key{from("pl-58a04531:80"), origin, plan.Distribution, plan.WebACL, plan.AllowedIPv4, plan.AllowedIPv6},
		},
		"DomainWithCertificate": {
			reason: "A certificate that is given is neither ordered nor proved; without a zone no record is written.",
			access: v1alpha1.Access{Domain: &v1alpha1.Domain{Name: domain, CertificateARN: given}},
			want:   []kit.Key{from("pl-58a04531:80"), origin, plan.Distribution},
		},
		"Domain": {
			reason: "With a zone alone the certificate is ordered where CloudFront takes it from.",
			access: v1alpha1.Access{Domain: &v1alpha1.Domain{Name: domain, HostedZoneID: zone}},
			want: []kit.Key{
				from("pl-58a04531:80"), origin, plan.Distribution,
				plan.Certificate(domain, "us-east-1"), plan.CertificateRecord(domain, "us-east-1"), plan.CertificateValidation(domain, "us-east-1"),
				plan.RecordIPv4(domain, zone), plan.RecordIPv6(domain, zone),
			},
		},
		"Inside": {
			reason: "Without CloudFront whoever has a way into the VPC reaches the load balancer.",
			access: v1alpha1.Access{CDN: new(false)},
			want:   []kit.Key{from("0.0.0.0/0:80")},
		},
		"InsideSome": {
			reason: "Or who is named.",
			access: v1alpha1.Access{CDN: new(false), AllowedCIDRs: []string{"2001:db8::/32", "10.0.0.0/8"}},
			want:   []kit.Key{from("10.0.0.0/8:80"), from("2001:db8::/32:80")},
		},
		"InsideDomain": {
			reason: "Under a name the load balancer speaks HTTPS, has its certificate in its own region and no IPv6.",
			access: v1alpha1.Access{CDN: new(false), Domain: &v1alpha1.Domain{Name: domain, HostedZoneID: zone}},
			want: []kit.Key{
				from("0.0.0.0/0:80"), from("0.0.0.0/0:443"), plan.SecureListener,
				plan.Certificate(domain, "ap-northeast-1"), plan.CertificateRecord(domain, "ap-northeast-1"), plan.CertificateValidation(domain, "ap-northeast-1"),
				plan.RecordIPv4(domain, zone),
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, tc.access)
			r := compose(t, p, known(p), up(t, p, known(p)))

			var got []kit.Key

			for k := range r.Resources {
				if plan.PartOf(k) == "edge" {
					got = append(got, k)
				}
			}

			want := append(slices.Clone(always), tc.want...)
			if diff := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b kit.Key) bool { return a < b })); diff != "" {
				t.Errorf("%s\nkeys: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestWaits holds what each resource waits for in a studio of which only the
// network is there.
func TestWaits(t *testing.T) {
	p := newPlan(t, v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24", "2001:db8::/32"}, Domain: &v1alpha1.Domain{Name: domain, HostedZoneID: zone}})
	origin, attachment := plan.VPCOrigin(p.VPCOriginSetting("")), plan.Attachment("")
	f := facts.Facts{Edge: facts.Edge{WantedVPCOrigin: origin, VPCOrigin: origin, Attachment: attachment}}

	states := others(p)
	delete(states, plan.Cluster)
	delete(states, plan.SystemNodes)

	r := compose(t, p, f, states)

	var made []kit.Key

	for k := range r.Resources {
		if plan.PartOf(k) == "edge" {
			made = append(made, k)
		}
	}

	ordered := plan.Certificate(domain, "us-east-1")

	first := []kit.Key{plan.LoadBalancer, plan.TargetGroup, plan.LoadBalancerIn("pl-58a04531:80"), plan.AllowedIPv4, plan.AllowedIPv6, ordered}
	if diff := cmp.Diff(first, made, cmpopts.SortSlices(func(a, b kit.Key) bool { return a < b })); diff != "" {
		t.Errorf("made at once: -want, +got:\n%s", diff)
	}

	group, address := "the cluster's security group", "the address behind the domain name"
	want := map[kit.Key][]string{
		plan.Listener:                {"the target group's ARN"},
		attachment:                   {"the autoscaling group of the system nodes"},
		plan.LoadBalancerOut:         {group},
		plan.LoadBalancerOutHealth:   {group},
		plan.ClusterFromLoadBalancer: {group},
		plan.ClusterFromHealthCheck:  {group},
		origin:                       {"the load balancer's ARN"},
		plan.Distribution:            {"the VPC origin's id", "the load balancer's DNS name", "the studio's secret", "the web ACL's ARN"},
		plan.WebACL:                  {"the ARN of the allowed IPv4 ranges", "the ARN of the allowed IPv6 ranges"},
		plan.CertificateRecord(domain, "us-east-1"):     {"the certificate's record"},
		plan.CertificateValidation(domain, "us-east-1"): {"the certificate's record"},
		plan.RecordIPv4(domain, zone):                   {address},
		plan.RecordIPv6(domain, zone):                   {address},
	}
	if diff := cmp.Diff(want, r.Waiting); diff != "" {
		t.Errorf("Waiting: -want, +got:\n%s", diff)
	}
}

// TestDeletionOrder lists the pairs that hold when the claim is deleted, on
// which day no function runs.
func TestDeletionOrder(t *testing.T) {
	p := newPlan(t, v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}, Domain: &v1alpha1.Domain{Name: domain, HostedZoneID: zone}})
	f := known(p)
	d := kit.NewDesired(p, kittest.Observe(p.Name, up(t, p, f)))
	Compose(p, f, d)

	// A Usage needs both sides, and these are other parts'.
	for k := range others(p) {
		d.Add(k, &ec2.VPC{})
	}

	got := map[string]bool{}

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	for k := range r.Resources {
		if plan.PartOf(k) == "usage" {
			got[strings.TrimPrefix(string(k), kit.UsagePrefix)] = true
		}
	}

	want := map[string]bool{}

	for of, users := range map[kit.Key][]kit.Key{
		f.Edge.VPCOrigin:      {plan.Distribution},
		plan.LoadBalancer:     {f.Edge.VPCOrigin, plan.Listener},
		plan.InternetGateway:  {f.Edge.VPCOrigin},
		plan.TargetGroup:      {plan.Listener, f.Edge.Attachment},
		plan.SystemNodes:      {f.Edge.Attachment},
		plan.Cluster:          {plan.LoadBalancerOut, plan.LoadBalancerOutHealth},
		plan.ALBSecurityGroup: {plan.LoadBalancer, plan.ClusterFromLoadBalancer, plan.ClusterFromHealthCheck},
		plan.VPC:              {plan.LoadBalancer},
		plan.WebACL:           {plan.Distribution},
		plan.AllowedIPv4:      {plan.WebACL},
		plan.AllowedIPv6:      {plan.WebACL},
		plan.PrivateSubnet(p.Network.ClusterZones()[0].ID): {plan.LoadBalancer},
		plan.PrivateSubnet(p.Network.ClusterZones()[1].ID): {plan.LoadBalancer},
		plan.Certificate(domain, "us-east-1"):              {plan.Distribution},
	} {
		for _, by := range users {
			want[string(of)+"-by-"+string(by)] = true
		}
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Usages: -want, +got:\n%s", diff)
	}
}
