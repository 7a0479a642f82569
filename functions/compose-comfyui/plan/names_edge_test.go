package plan

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// edgeNameRules are AWS's rules for the names that part edge decides as external
// names: none, AWS makes the ids. Those in its specs are held in TestEdgeNames.
func edgeNameRules() map[kit.Key]string {
	return map[kit.Key]string{}
}

// TestEdgeNames holds the names in specs to the rules of their services.
func TestEdgeNames(t *testing.T) {
	// elasticloadbalancing:CreateLoadBalancer and CreateTargetGroup, cloudfront:
	// VpcOriginEndpointConfig, wafv2:CreateWebACL and CreateIPSet: API references.
	rules := map[string]*regexp.Regexp{
		"load balancer": regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`),
		"VPC origin":    regexp.MustCompile(`^[\w.-]{1,64}$`),
		"firewall":      regexp.MustCompile(`^[\w-]{1,128}$`),
	}
	taken := map[string]string{}

	for _, studio := range []string{"a", "tokyo", "internal", "internal-studio", "internal.studio", "abcdefg-" + strings.Repeat("-", 20) + "x", longest, "0.1.2.3"} {
		for _, namespace := range []string{"art", "film"} {
			p := newPlan(t, called(namespace, studio))
			names := map[string]string{
				"load balancer": p.LoadBalancerName(),
				"VPC origin":    p.VPCOriginName(VPCOrigin(p.VPCOriginSetting("arn:lb/1"))),
				"firewall":      p.FirewallName() + "-IPV4",
			}

			for what, name := range names {
				if !rules[what].MatchString(name) {
					t.Errorf("%s/%s: AWS refuses the name %q of a %s", namespace, studio, name, what)
				}

				if twin := taken[what+" "+name]; twin != "" {
					t.Errorf("%s/%s and %s: both have a %s called %q", namespace, studio, twin, what, name)
				}

				taken[what+" "+name] = namespace + "/" + studio
			}

			if name := p.LoadBalancerName(); strings.HasPrefix(name, "internal-") {
				t.Errorf("%s/%s: AWS keeps names such as %q to itself", namespace, studio, name)
			}
		}
	}
}

// TestSources holds who reaches the load balancer.
func TestSources(t *testing.T) {
	cases := map[string]struct {
		reason string
		region string
		access v1alpha1.Access
		want   []Source
	}{
		"CloudFront":    {reason: "CloudFront alone, by its prefix list.", region: "ap-northeast-1", want: []Source{{PrefixList: "pl-58a04531", Port: 80}}},
		"Unlisted":      {reason: "Where nobody lists it, everyone who has a way into the VPC.", region: "eu-south-2", want: []Source{{IPv4: "0.0.0.0/0", Port: 80}}},
		"Firewalled":    {reason: "Viewers are not the load balancer's peers: AWS WAF knows them.", region: "ap-northeast-1", access: v1alpha1.Access{AllowedCIDRs: []string{"203.0.113.0/24"}}, want: []Source{{PrefixList: "pl-58a04531", Port: 80}}},
		"Inside":        {reason: "Without CloudFront everyone who has a way in.", region: "ap-northeast-1", access: v1alpha1.Access{CDN: new(false)}, want: []Source{{IPv4: "0.0.0.0/0", Port: 80}}},
		"InsideAllowed": {reason: "Or who is named, in a fixed order.", region: "ap-northeast-1", access: v1alpha1.Access{CDN: new(false), AllowedCIDRs: []string{"2001:db8::/32", "10.1.0.0/16", "10.0.0.0/16"}}, want: []Source{{IPv4: "10.0.0.0/16", Port: 80}, {IPv4: "10.1.0.0/16", Port: 80}, {IPv6: "2001:db8::/32", Port: 80}}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, inRegion(tc.region), func(s *v1alpha1.ComfyUIStudio) { s.Spec.Access = tc.access })
			if diff := cmp.Diff(tc.want, p.Sources()); diff != "" {
				t.Errorf("%s\nSources(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestRangesFit refuses what a security group cannot hold.
func TestRangesFit(t *testing.T) {
	many := func(n int) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf("10.%d.0.0/16", i))
		}

		return out
	}

	domain := &v1alpha1.Domain{Name: "studio.example.com"}

	cases := map[string]struct {
		reason string
		access v1alpha1.Access
		want   string
	}{
		"CloudFront": {reason: "AWS WAF holds all that a claim can.", access: v1alpha1.Access{AllowedCIDRs: many(64), Domain: domain}},
		"Fits":       {reason: "A security group holds sixty.", access: v1alpha1.Access{CDN: new(false), AllowedCIDRs: many(60)}},
		"TooMany": {
			reason: "And no more.",
			access: v1alpha1.Access{CDN: new(false), AllowedCIDRs: many(61)},
			want:   "spec.access.allowedCIDRs: 61 IPv4 ranges need more than the 60 rules that a security group has; join ranges until there are 60, or set spec.access.cdn to true",
		},
		"TooManyTwice": {
			reason: "With HTTPS each range counts twice.",
			access: v1alpha1.Access{CDN: new(false), AllowedCIDRs: many(31), Domain: domain},
			want:   "spec.access.allowedCIDRs: 31 IPv4 ranges need more than the 60 rules that, one for HTTP and one for HTTPS each, a security group has; join ranges until there are 30, or set spec.access.cdn to true",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := rangesFit(tc.access); err != nil {
				got = err.Error()
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nrangesFit(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
