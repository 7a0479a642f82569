package facts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

const (
	domain = "studio.example.com"
	zoneID = "Z0123456789ABCDEFGHIJ"
	arnA   = "arn:aws:acm:us-east-1:123456789012:certificate/a"
	arnB   = "arn:aws:acm:us-east-1:123456789012:certificate/b"
)

func planWith(t *testing.T, access v1alpha1.Access) plan.Plan {
	t.Helper()

	return plantest.New(t, func(s *v1alpha1.ComfyUIStudioSpec) { s.Access = access })
}

// edgeOf reads the facts of the edge.
func edgeOf(t *testing.T, access v1alpha1.Access, states map[kit.Key]kittest.State, remembered v1alpha1.EdgeStatus) facts.Edge {
	t.Helper()

	f, err := facts.From(planWith(t, access), observe(states), v1alpha1.ComfyUIStudioStatus{Edge: &remembered})
	if err != nil {
		t.Fatal(err)
	}

	return f.Edge
}

// using is a distribution as AWS has it.
func using(origin, webACL, certificate, alias string) kittest.State {
	at := map[string]any{
		"id": "E1", "domainName": "d1.cloudfront.net", "webAclId": webACL,
		"origin":            []any{map[string]any{"originId": "studio", "vpcOriginConfig": map[string]any{"vpcOriginId": origin}}},
		"viewerCertificate": map[string]any{"acmCertificateArn": certificate},
	}
	if alias != "" {
		at["aliases"] = []any{alias}
	}

	return kittest.ReadyAt(at)
}

// TestVPCOrigin goes through the replacement of a load balancer, which another
// VPC origin is made for.
func TestVPCOrigin(t *testing.T) {
	p := planWith(t, v1alpha1.Access{})
	older, newer := plan.VPCOrigin(p.VPCOriginSetting("arn:lb/1")), plan.VPCOrigin(p.VPCOriginSetting("arn:lb/2"))
	lb := func(arn string) kittest.State { return at(map[string]any{"arn": arn}) }
	creating := kittest.Creating()

	deleting := id("vo_1")
	deleting.Deleting = true

	unready := id("vo_2")
	unready.Ready = nil

	type want struct {
		Wanted, Used kit.Key
		ID           string
		Moved        bool
	}

	cases := map[string]struct {
		reason     string
		observed   map[kit.Key]kittest.State
		remembered v1alpha1.EdgeStatus
		want       want
	}{
		"First": {
			reason:   "There is one, on its way.",
			observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb("arn:lb/1"), older: creating},
			want:     want{Wanted: older, Used: older},
		},
		"Served": {
			reason:   "The distribution is on it.",
			observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb("arn:lb/1"), older: id("vo_1"), plan.Distribution: using("vo_1", "", "", "")},
			want:     want{Wanted: older, Used: older, ID: "vo_1", Moved: true},
		},
		"Replaced": {
			reason:   "Another load balancer wants another one; the distribution stays until that is ready.",
			observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb("arn:lb/2"), older: id("vo_1"), newer: creating, plan.Distribution: using("vo_1", "", "", "")},
			want:     want{Wanted: newer, Used: older, ID: "vo_1"},
		},
		"NewerReady": {
			reason:   "Then it moves; the older one is still in use.",
			observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb("arn:lb/2"), older: id("vo_1"), newer: id("vo_2"), plan.Distribution: using("vo_1", "", "", "")},
			want:     want{Wanted: newer, Used: newer, ID: "vo_2"},
		},
		"Moved": {
			reason:   "And the older one may go.",
			observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb("arn:lb/2"), older: id("vo_1"), newer: id("vo_2"), plan.Distribution: using("vo_2", "", "", "")},
			want:     want{Wanted: newer, Used: newer, ID: "vo_2", Moved: true},
		},
		"MovedAndUnready": {
			reason:   "A newer one that looks unready for a moment does not send it back.",
			observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb("arn:lb/2"), older: id("vo_1"), newer: unready, plan.Distribution: using("vo_2", "", "", "")},
			want:     want{Wanted: newer, Used: newer, ID: "vo_2", Moved: true},
		},
		"OlderGoing": {
			reason:     "It never goes to one that is on its way out.",
			observed:   map[kit.Key]kittest.State{plan.LoadBalancer: lb("arn:lb/2"), older: deleting, newer: creating, plan.Distribution: using("vo_1", "", "", "")},
			remembered: v1alpha1.EdgeStatus{VPCOriginID: "vo_2"},
			want:       want{Wanted: newer, Used: newer, ID: "vo_2"},
		},
		"DistributionLost": {
			reason:     "A distribution that tells nothing is on what is remembered.",
			observed:   map[kit.Key]kittest.State{plan.LoadBalancer: lb("arn:lb/2"), older: id("vo_1"), newer: creating, plan.Distribution: creating},
			remembered: v1alpha1.EdgeStatus{VPCOriginID: "vo_1"},
			want:       want{Wanted: newer, Used: older, ID: "vo_1"},
		},
		"LoadBalancerLost": {
			reason:   "While nobody knows the load balancer, the origin that is there is not taken for another.",
			observed: map[kit.Key]kittest.State{plan.LoadBalancer: creating, older: id("vo_1"), plan.Distribution: using("vo_1", "", "", "")},
			want:     want{Wanted: older, Used: older, ID: "vo_1", Moved: true},
		},
		"Remembered": {
			reason:     "A status that is lost takes nothing away.",
			observed:   map[kit.Key]kittest.State{plan.LoadBalancer: creating, older: creating, plan.Distribution: creating},
			remembered: v1alpha1.EdgeStatus{LoadBalancerARN: "arn:lb/1", VPCOriginID: "vo_1"},
			want:       want{Wanted: older, Used: older, ID: "vo_1"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := edgeOf(t, v1alpha1.Access{}, tc.observed, tc.remembered)

			got := want{Wanted: f.WantedVPCOrigin, Used: f.VPCOrigin, ID: f.VPCOriginID, Moved: f.VPCOriginMoved}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestServed goes through what viewers are served under while certificates come
// and go.
func TestServed(t *testing.T) {
	ordered, validation := plan.Certificate(domain, "us-east-1"), plan.CertificateValidation(domain, "us-east-1")
	own := v1alpha1.Access{Domain: &v1alpha1.Domain{Name: domain, HostedZoneID: zoneID}}
	certificate := func(arn string) kittest.State {
		return at(map[string]any{"arn": arn, "domainValidationOptions": []any{map[string]any{"resourceRecordName": "_1.", "resourceRecordValue": "_2."}}})
	}

	cases := map[string]struct {
		reason     string
		access     v1alpha1.Access
		observed   map[kit.Key]kittest.State
		remembered v1alpha1.EdgeStatus
		want       facts.Served
	}{
		"None": {reason: "Without a name of its own a studio has CloudFront's.", observed: map[kit.Key]kittest.State{plan.Distribution: using("vo_1", "", "", "")}},
		"Given": {
			reason: "A certificate that is given is there.",
			access: v1alpha1.Access{Domain: &v1alpha1.Domain{Name: domain, CertificateARN: arnB}},
			want:   facts.Served{DomainName: domain, CertificateARN: arnB},
		},
		"Ordered": {
			reason:   "One that is ordered is not, before it is issued.",
			access:   own,
			observed: map[kit.Key]kittest.State{ordered: certificate(arnA), validation: kittest.Creating()},
		},
		"Issued": {
			reason:   "Then it is.",
			access:   own,
			observed: map[kit.Key]kittest.State{ordered: certificate(arnA), validation: kittest.Ready()},
			want:     facts.Served{DomainName: domain, CertificateARN: arnA},
		},
		"Stays": {
			reason:   "It stays when the validation looks unready for a moment.",
			access:   own,
			observed: map[kit.Key]kittest.State{ordered: certificate(arnA), validation: kittest.Creating(), plan.Distribution: using("vo_1", "", arnA, domain)},
			want:     facts.Served{DomainName: domain, CertificateARN: arnA},
		},
		"Renamed": {
			reason:   "Another name is served when its certificate is issued, and the one before until then.",
			access:   own,
			observed: map[kit.Key]kittest.State{ordered: certificate(arnA), plan.Distribution: using("vo_1", "", arnB, "old.example.com")},
			want:     facts.Served{DomainName: "old.example.com", CertificateARN: arnB},
		},
		"RenamedAndLost": {
			reason:     "Also when the distribution does not tell.",
			access:     own,
			observed:   map[kit.Key]kittest.State{ordered: certificate(arnA), plan.Distribution: kittest.Creating()},
			remembered: v1alpha1.EdgeStatus{DomainName: "old.example.com", CertificateARN: arnB},
			want:       facts.Served{DomainName: "old.example.com", CertificateARN: arnB},
		},
		"OutOfCloudFront": {
			reason:     "A load balancer cannot serve what CloudFront did.",
			access:     v1alpha1.Access{CDN: new(false), Domain: own.Domain},
			observed:   map[kit.Key]kittest.State{ordered: certificate(arnA), plan.Distribution: using("vo_1", "", arnA, domain)},
			remembered: v1alpha1.EdgeStatus{DomainName: domain, CertificateARN: arnA},
		},
		"Dropped": {
			reason:     "A name that is dropped is dropped at once.",
			observed:   map[kit.Key]kittest.State{ordered: certificate(arnA), validation: kittest.Ready(), plan.Distribution: using("vo_1", "", arnA, domain)},
			remembered: v1alpha1.EdgeStatus{DomainName: domain, CertificateARN: arnA},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := edgeOf(t, tc.access, tc.observed, tc.remembered)
			if diff := cmp.Diff(tc.want, f.Served); diff != "" {
				t.Errorf("%s\nServed: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestCertificatesInUse holds every certificate that AWS may still serve.
func TestCertificatesInUse(t *testing.T) {
	older, newer := plan.Certificate("old.example.com", "us-east-1"), plan.Certificate(domain, "us-east-1")
	certificate := func(arn string) kittest.State { return at(map[string]any{"arn": arn}) }

	cases := map[string]struct {
		reason       string
		distribution kittest.State
		want         map[kit.Key]bool
	}{
		"Older":  {reason: "The one that is served is in use.", distribution: using("vo_1", "", arnA, "old.example.com"), want: map[kit.Key]bool{older: true, newer: false}},
		"Newer":  {reason: "The one before may go when it is not.", distribution: using("vo_1", "", arnB, domain), want: map[kit.Key]bool{older: false, newer: true}},
		"Unseen": {reason: "While AWS does not tell, any may be.", distribution: kittest.Creating(), want: map[kit.Key]bool{older: true, newer: true}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := edgeOf(t, v1alpha1.Access{}, map[kit.Key]kittest.State{older: certificate(arnA), newer: certificate(arnB), plan.Distribution: tc.distribution}, v1alpha1.EdgeStatus{})
			if diff := cmp.Diff(tc.want, f.CertificatesInUse); diff != "" {
				t.Errorf("%s\nCertificatesInUse: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestWebACL goes through a firewall that is put before a studio and taken away.
func TestWebACL(t *testing.T) {
	some := v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}}

	type want struct {
		ARN           string
		Coming, InUse bool
	}

	cases := map[string]struct {
		reason     string
		access     v1alpha1.Access
		observed   map[kit.Key]kittest.State
		remembered v1alpha1.EdgeStatus
		want       want
	}{
		"New":     {reason: "A studio that is made waits for it.", access: some},
		"Added":   {reason: "One that runs does not.", access: some, observed: map[kit.Key]kittest.State{plan.Distribution: using("vo_1", "", "", "")}, want: want{Coming: true}},
		"There":   {reason: "It is known when AWS has it.", access: some, observed: map[kit.Key]kittest.State{plan.WebACL: at(map[string]any{"arn": "arn:acl"}), plan.Distribution: using("vo_1", "", "", "")}, want: want{ARN: "arn:acl"}},
		"Lost":    {reason: "The distribution knows it as well.", access: some, observed: map[kit.Key]kittest.State{plan.WebACL: kittest.Creating(), plan.Distribution: using("vo_1", "arn:acl", "", "")}, want: want{ARN: "arn:acl", InUse: true}},
		"AllLost": {reason: "And so does the claim.", access: some, observed: map[kit.Key]kittest.State{plan.WebACL: kittest.Creating(), plan.Distribution: kittest.Creating()}, remembered: v1alpha1.EdgeStatus{WebACLARN: "arn:acl"}, want: want{ARN: "arn:acl", InUse: true}},
		"Dropped": {reason: "One that is dropped is in use until AWS has let go of it.", observed: map[kit.Key]kittest.State{plan.Distribution: using("vo_1", "arn:acl", "", "")}, remembered: v1alpha1.EdgeStatus{WebACLARN: "arn:acl"}, want: want{InUse: true}},
		"Free":    {reason: "Then it is not.", observed: map[kit.Key]kittest.State{plan.Distribution: using("vo_1", "", "", "")}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := edgeOf(t, tc.access, tc.observed, tc.remembered)
			if diff := cmp.Diff(tc.want, want{ARN: f.WebACLARN, Coming: f.WebACLComing, InUse: f.WebACLInUse}); diff != "" {
				t.Errorf("%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestAlias holds where a name's records point while the studio moves into and
// out of CloudFront.
func TestAlias(t *testing.T) {
	cloud, inside := v1alpha1.Access{Domain: &v1alpha1.Domain{Name: domain, CertificateARN: arnA, HostedZoneID: zoneID}}, v1alpha1.Access{CDN: new(false), Domain: &v1alpha1.Domain{Name: domain, CertificateARN: "arn:aws:acm:ap-northeast-1:123456789012:certificate/a", HostedZoneID: zoneID}}
	lb := at(map[string]any{"arn": "arn:lb/1", "dnsName": "internal-edge.elb", "zoneId": "Z1"})
	record := at(map[string]any{"alias": map[string]any{"name": "internal-edge.elb", "zoneId": "Z1"}})

	cases := map[string]struct {
		reason   string
		access   v1alpha1.Access
		observed map[kit.Key]kittest.State
		want     facts.Alias
	}{
		"CloudFront": {reason: "It is CloudFront's name.", access: cloud, observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb, plan.Distribution: using("vo_1", "", arnA, domain)}, want: facts.Alias{DNSName: "d1.cloudfront.net", ZoneID: plan.CloudFrontZone}},
		"Inside":     {reason: "Or the load balancer's.", access: inside, observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb}, want: facts.Alias{DNSName: "internal-edge.elb", ZoneID: "Z1"}},
		"NotYet":     {reason: "There is none before there is CloudFront.", access: cloud, observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb}},
		"Stays":      {reason: "A name that leads to the load balancer does so until then.", access: cloud, observed: map[kit.Key]kittest.State{plan.LoadBalancer: lb, plan.RecordIPv4(domain, zoneID): record}, want: facts.Alias{DNSName: "internal-edge.elb", ZoneID: "Z1"}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := edgeOf(t, tc.access, tc.observed, v1alpha1.EdgeStatus{})
			if diff := cmp.Diff(tc.want, f.Alias); diff != "" {
				t.Errorf("%s\nAlias: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestEdgeRemembered holds that a claim forgets what it no longer asks for: what
// comes back is another resource.
func TestEdgeRemembered(t *testing.T) {
	remembered := v1alpha1.EdgeStatus{
		LoadBalancerARN: "arn:lb/1", LoadBalancerDNSName: "internal-edge.elb", LoadBalancerZoneID: "Z1", TargetGroupARN: "arn:tg", AutoscalingGroup: "eks-1",
		VPCOriginID: "vo_1", DistributionID: "E1", DistributionDomainName: "d1.cloudfront.net",
		WebACLARN: "arn:acl", AllowedIPv4ARN: "arn:v4", AllowedIPv6ARN: "arn:v6",
		DomainName: domain, CertificateARN: arnA,
		Certificate: &v1alpha1.CertificateStatus{ARN: arnA, DomainName: domain, RecordName: "_1.", RecordValue: "_2."},
	}

	all := edgeOf(t, v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}, Domain: &v1alpha1.Domain{Name: domain, HostedZoneID: zoneID}}, nil, remembered)
	origin := plan.VPCOrigin(planWith(t, v1alpha1.Access{}).VPCOriginSetting("arn:lb/1"))
	base := facts.Edge{
		LoadBalancerARN: "arn:lb/1", LoadBalancerDNSName: "internal-edge.elb", LoadBalancerZoneID: "Z1", TargetGroupARN: "arn:tg",
		AutoscalingGroup: "eks-1", Attachment: plan.Attachment("eks-1"), CertificatesInUse: map[kit.Key]bool{},
	}

	want := base
	want.DistributionID, want.DistributionDomainName = "E1", "d1.cloudfront.net"
	want.WantedVPCOrigin, want.VPCOrigin, want.VPCOriginID = origin, origin, "vo_1"
	want.WebACLARN, want.AllowedIPv4ARN, want.AllowedIPv6ARN = "arn:acl", "arn:v4", "arn:v6"
	want.Certificate = facts.Certificate{DomainName: domain, ARN: arnA, RecordName: "_1.", RecordValue: "_2."}
	want.Served = facts.Served{DomainName: domain, CertificateARN: arnA}
	want.Alias = facts.Alias{DNSName: "d1.cloudfront.net", ZoneID: plan.CloudFrontZone}

	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("A claim that asks for all of it remembers all of it.\nFrom(...): -want, +got:\n%s", diff)
	}

	if diff := cmp.Diff(base, edgeOf(t, v1alpha1.Access{CDN: new(false)}, nil, remembered)); diff != "" {
		t.Errorf("One that asks for none of it remembers its load balancer.\nFrom(...): -want, +got:\n%s", diff)
	}
}
