package edge

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
)

// TestDistribution holds what of the distribution follows the spec, and when.
func TestDistribution(t *testing.T) {
	some := v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}}
	both := v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24", "2001:db8::/32"}}
	own := v1alpha1.Access{Domain: &v1alpha1.Domain{Name: domain, HostedZoneID: zone}}

	type want struct {
		WebACL      any
		Aliases     any
		Certificate map[string]any
		IPv6        any
	}

	byDefault := map[string]any{"cloudfrontDefaultCertificate": true}

	cases := map[string]struct {
		reason string
		access v1alpha1.Access
		change func(f *facts.Edge)
		want   want
	}{
		"Plain":         {reason: "Everybody is let in, under CloudFront's name.", want: want{Certificate: byDefault, IPv6: true}},
		"Firewall":      {reason: "IPv4 alone is let in, so nobody is to try IPv6.", access: some, want: want{WebACL: "arn:acl", Certificate: byDefault, IPv6: false}},
		"FirewallBoth":  {reason: "Whoever has a range of both may try both.", access: both, want: want{WebACL: "arn:acl", Certificate: byDefault, IPv6: true}},
		"FirewallAdded": {reason: "A firewall that is still being made takes no viewers away.", access: some, change: func(f *facts.Edge) { f.WebACLARN, f.WebACLComing = "", true }, want: want{Certificate: byDefault, IPv6: false}},
		"Domain": {
			reason: "An own name comes with its certificate, and no TLS below 1.2.",
			access: own,
			want:   want{Aliases: []any{domain}, Certificate: map[string]any{"acmCertificateArn": "arn:ordered", "sslSupportMethod": "sni-only", "minimumProtocolVersion": "TLSv1.2_2021"}, IPv6: true},
		},
		"DomainNotIssued": {
			reason: "Until then viewers are served as before.",
			access: own,
			change: func(f *facts.Edge) { f.Served = facts.Served{} },
			want:   want{Certificate: byDefault, IPv6: true},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, tc.access)
			f := known(p)
			states := up(t, p, f)

			if tc.change != nil {
				tc.change(&f.Edge)
			}

			r := compose(t, p, f, states)
			certificate, _ := field(t, r, plan.Distribution, "viewerCertificate").(map[string]any)

			got := want{
				WebACL: field(t, r, plan.Distribution, "webAclId"), Aliases: field(t, r, plan.Distribution, "aliases"),
				Certificate: certificate, IPv6: field(t, r, plan.Distribution, "isIpv6Enabled"),
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nDistribution: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestFirewallFirst holds that a new studio is open to nobody before its firewall
// stands.
func TestFirewallFirst(t *testing.T) {
	p := newPlan(t, v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}})
	f := known(p)
	states := up(t, p, f)
	delete(states, plan.Distribution)
	states[plan.WebACL] = kittest.Creating()

	r := compose(t, p, f, states)
	if diff := cmp.Diff([]string{string(plan.WebACL)}, r.Waiting[plan.Distribution]); diff != "" {
		t.Errorf("Waiting: -want, +got:\n%s", diff)
	}
}

// TestOriginSecret holds the secret to the one header that CloudFront shows the
// front door.
func TestOriginSecret(t *testing.T) {
	p := newPlan(t, v1alpha1.Access{})
	r := compose(t, p, known(p), up(t, p, known(p)))

	origins, _ := field(t, r, plan.Distribution, "origin").([]any)
	want := []any{map[string]any{"name": plan.OriginHeader, "value": secrets.Origin(seed)}}

	if diff := cmp.Diff(want, origins[0].(map[string]any)["customHeader"]); diff != "" {
		t.Errorf("customHeader: -want, +got:\n%s", diff)
	}
}

// TestNothingCached holds every path behind the login.
func TestNothingCached(t *testing.T) {
	p := newPlan(t, v1alpha1.Access{})
	r := compose(t, p, known(p), up(t, p, known(p)))

	if got := field(t, r, plan.Distribution, "defaultCacheBehavior", "cachePolicyId"); got != cachingDisabled {
		t.Errorf("cachePolicyId: want %s, got %v", cachingDisabled, got)
	}

	if got := field(t, r, plan.Distribution, "orderedCacheBehavior"); got != nil {
		t.Errorf("A path is cached: %v", got)
	}

	responses, _ := field(t, r, plan.Distribution, "customErrorResponse").([]any)
	for _, e := range responses {
		if ttl := e.(map[string]any)["errorCachingMinTtl"]; ttl != 0.0 && ttl != int64(0) {
			t.Errorf("An error is cached: %v", e)
		}
	}

	if len(responses) == 0 {
		t.Error("CloudFront's default caches errors for ten seconds")
	}
}

// TestRules holds what AWS WAF is told, in its own words.
func TestRules(t *testing.T) {
	var got []map[string]any
	if err := json.Unmarshal([]byte(rules(facts.Edge{AllowedIPv4ARN: "arn:v4", AllowedIPv6ARN: "arn:v6"})), &got); err != nil {
		t.Fatal(err)
	}

	rule := func(name string, priority float64, arn string) map[string]any {
		return map[string]any{
			"Name": name, "Priority": priority, "Action": map[string]any{"Allow": map[string]any{}},
			"Statement":        map[string]any{"IPSetReferenceStatement": map[string]any{"ARN": arn}},
			"VisibilityConfig": map[string]any{"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": name},
		}
	}

	want := []map[string]any{rule("allowed-ipv4", 0, "arn:v4"), rule("allowed-ipv6", 1, "arn:v6")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules(...): -want, +got:\n%s", diff)
	}
}

// TestListener holds what the load balancer does with HTTP.
func TestListener(t *testing.T) {
	inside := v1alpha1.Access{CDN: new(false), Domain: &v1alpha1.Domain{Name: domain, HostedZoneID: zone}}

	cases := map[string]struct {
		reason   string
		access   v1alpha1.Access
		redirect bool
		want     any
	}{
		"CloudFront": {reason: "CloudFront comes over HTTP.", want: "forward"},
		"Redirect":   {reason: "Under an own name viewers are sent to HTTPS.", access: inside, redirect: true, want: "redirect"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, tc.access)
			f := known(p)
			f.Edge.Redirect = tc.redirect
			r := compose(t, p, f, up(t, p, f))

			actions, _ := field(t, r, plan.Listener, "defaultAction").([]any)
			if got := actions[0].(map[string]any)["type"]; len(actions) != 1 || got != tc.want {
				t.Errorf("%s\ndefaultAction: want %v, got %v", tc.reason, tc.want, actions)
			}

			// A field of the other kind of action would be refused.
			if _, both := actions[0].(map[string]any)["targetGroupArn"]; both == tc.redirect {
				t.Errorf("%s\ndefaultAction: got %v", tc.reason, actions)
			}
		})
	}
}

// TestChanges changes the access of a studio that is up, and tells which of its
// resources leave, and after whom.
func TestChanges(t *testing.T) {
	domainAccess := &v1alpha1.Domain{Name: domain, HostedZoneID: zone}
	from := plan.LoadBalancerIn
	origin := known(newPlan(t, v1alpha1.Access{})).Edge.VPCOrigin

	type want struct {
		// Gone leave in this run, Held stay for whom they name.
		Gone []kit.Key
		Held map[kit.Key][]kit.Key
	}

	cases := map[string]struct {
		reason   string
		was, is  v1alpha1.Access
		change   func(f *facts.Edge)
		observed func(states map[kit.Key]kittest.State)
		want     want
	}{
		"OutOfCloudFront": {
			reason: "The distribution leaves first, and all that it uses stays for it.",
			was:    v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}, Domain: domainAccess},
			is:     v1alpha1.Access{CDN: new(false), AllowedCIDRs: []string{"203.0.113.0/24"}, Domain: domainAccess},
			change: func(f *facts.Edge) {
				f.WebACLInUse, f.CertificatesInUse = true, map[kit.Key]bool{plan.Certificate(domain, "us-east-1"): true}
			},
			want: want{
				Gone: []kit.Key{plan.Distribution, plan.CertificateValidation(domain, "us-east-1"), plan.CertificateRecord(domain, "us-east-1")},
				Held: map[kit.Key][]kit.Key{
					origin:                                {plan.Distribution},
					from("pl-58a04531:80"):                {plan.Distribution},
					plan.WebACL:                           {plan.Distribution},
					plan.AllowedIPv4:                      {plan.WebACL},
					plan.AllowedIPv6:                      {plan.WebACL},
					plan.Certificate(domain, "us-east-1"): {plan.CertificateValidation(domain, "us-east-1"), plan.Distribution},
				},
			},
		},
		"DistributionGone": {
			reason:   "Then they leave, too.",
			was:      v1alpha1.Access{},
			is:       v1alpha1.Access{CDN: new(false)},
			observed: func(states map[kit.Key]kittest.State) { delete(states, plan.Distribution) },
			want:     want{Gone: []kit.Key{origin, from("pl-58a04531:80")}},
		},
		"IntoCloudFront": {
			reason: "Viewers come in as before until there is another way.",
			was:    v1alpha1.Access{CDN: new(false), Domain: &v1alpha1.Domain{Name: domain, CertificateARN: "arn:aws:acm:ap-northeast-1:123456789012:certificate/given"}},
			is:     v1alpha1.Access{},
			change: func(f *facts.Edge) { f.DistributionDomainName = "" },
			want: want{Held: map[kit.Key][]kit.Key{
				plan.SecureListener:   {plan.LoadBalancer},
				from("0.0.0.0/0:80"):  {plan.LoadBalancer},
				from("0.0.0.0/0:443"): {plan.LoadBalancer},
			}},
		},
		"InCloudFront": {
			reason: "And then no longer.",
			was:    v1alpha1.Access{CDN: new(false), Domain: &v1alpha1.Domain{Name: domain, CertificateARN: "arn:aws:acm:ap-northeast-1:123456789012:certificate/given"}},
			is:     v1alpha1.Access{},
			want:   want{Gone: []kit.Key{plan.SecureListener, from("0.0.0.0/0:80"), from("0.0.0.0/0:443")}},
		},
		"FirewallDropped": {
			reason: "A firewall stays until CloudFront has let go of it.",
			was:    v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}},
			is:     v1alpha1.Access{},
			change: func(f *facts.Edge) { f.WebACLInUse = true },
			want:   want{Held: map[kit.Key][]kit.Key{plan.WebACL: {plan.Distribution}, plan.AllowedIPv4: {plan.WebACL}, plan.AllowedIPv6: {plan.WebACL}}},
		},
		"FirewallFree": {
			reason: "Its sets stay until it is gone.",
			was:    v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}},
			is:     v1alpha1.Access{},
			want:   want{Gone: []kit.Key{plan.WebACL}, Held: map[kit.Key][]kit.Key{plan.AllowedIPv4: {plan.WebACL}, plan.AllowedIPv6: {plan.WebACL}}},
		},
		"Renamed": {
			reason: "The records of a name that is dropped leave at once, its certificate when viewers are served with another.",
			was:    v1alpha1.Access{Domain: &v1alpha1.Domain{Name: "old.example.com", HostedZoneID: zone}},
			is:     v1alpha1.Access{Domain: domainAccess},
			change: func(f *facts.Edge) {
				f.CertificatesInUse = map[kit.Key]bool{plan.Certificate("old.example.com", "us-east-1"): true}
			},
			want: want{
				Gone: []kit.Key{
					plan.RecordIPv4("old.example.com", zone), plan.RecordIPv6("old.example.com", zone),
					plan.CertificateRecord("old.example.com", "us-east-1"), plan.CertificateValidation("old.example.com", "us-east-1"),
				},
				Held: map[kit.Key][]kit.Key{
					plan.Certificate("old.example.com", "us-east-1"): {plan.CertificateValidation("old.example.com", "us-east-1"), plan.Distribution},
				},
			},
		},
		"OriginReplaced": {
			reason: "An origin that the distribution is still on stays.",
			change: func(f *facts.Edge) {
				f.WantedVPCOrigin, f.VPCOriginMoved = plan.VPCOrigin("another load balancer"), false
			},
			want: want{Held: map[kit.Key][]kit.Key{origin: {plan.Distribution}}},
		},
		"OriginMoved": {
			reason: "It leaves when AWS has the distribution on the other.",
			change: func(f *facts.Edge) {
				f.WantedVPCOrigin = plan.VPCOrigin("another load balancer")
				f.VPCOrigin = f.WantedVPCOrigin
			},
			want: want{Gone: []kit.Key{origin}},
		},
		"NodesReplaced": {
			reason: "An autoscaling group that is gone has taken its attachment along.",
			change: func(f *facts.Edge) { f.AutoscalingGroup, f.Attachment = "eks-2", plan.Attachment("eks-2") },
			want:   want{Gone: []kit.Key{plan.Attachment("eks-1")}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			before, after := newPlan(t, tc.was), newPlan(t, tc.is)
			states := up(t, before, known(before))

			if tc.observed != nil {
				tc.observed(states)
			}

			f := known(after)
			if tc.change != nil {
				tc.change(&f.Edge)
			}

			r := compose(t, after, f, states)
			got := want{Held: r.Leaving}

			for k := range states {
				if plan.PartOf(k) == "edge" && r.Resources[k] == nil {
					got.Gone = append(got.Gone, k)
				}
			}

			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b kit.Key) bool { return a < b })); diff != "" {
				t.Errorf("%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
