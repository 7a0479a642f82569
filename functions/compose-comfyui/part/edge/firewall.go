package edge

import (
	"encoding/json"
	"fmt"

	wafv2 "github.com/upbound/provider-aws/v2/apis/namespaced/wafv2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// cloudFrontScope is a firewall's that stands before CloudFront.
const cloudFrontScope = "CLOUDFRONT"

// firewall lets allowed viewers through to the login, and nobody else. There is
// one set per protocol, an empty one too: the web ACL so stays as it is when
// ranges change.
func firewall(p plan.Plan, f facts.Edge, d *kit.Desired) {
	if !p.Firewalled() {
		// CloudFront must have let go of it: a web ACL in use cannot be deleted.
		if f.WebACLInUse {
			d.RemoveAfter(plan.WebACL, plan.Distribution)
		} else {
			d.RemoveAfter(plan.WebACL)
		}

		d.RemoveAfter(plan.AllowedIPv4, plan.WebACL)
		d.RemoveAfter(plan.AllowedIPv6, plan.WebACL)

		return
	}

	set(p, d, plan.AllowedIPv4, "IPV4", p.AllowedRanges(false))
	set(p, d, plan.AllowedIPv6, "IPV6", p.AllowedRanges(true))

	g := kit.All(
		kit.After(plan.AllowedIPv4, plan.AllowedIPv6),
		kit.Needs(f.AllowedIPv4ARN, "the ARN of the allowed IPv4 ranges"),
		kit.Needs(f.AllowedIPv6ARN, "the ARN of the allowed IPv6 ranges"),
	)
	d.AddWhen(g, plan.WebACL, &wafv2.WebACL{Spec: wafv2.WebACLSpec{ForProvider: wafv2.WebACLParameters{
		Region: new(plan.GlobalRegion),
		Scope:  new(cloudFrontScope),
		Name:   new(p.FirewallName()),
		DefaultAction: &wafv2.DefaultActionParameters{Block: &wafv2.BlockParameters{
			// The default, said aloud: an empty block is lost on its way to the API.
			CustomResponse: &wafv2.CustomResponseParameters{ResponseCode: new(403.0)},
		}},
		RuleJSON: new(rules(f)),
		VisibilityConfig: &wafv2.WebACLVisibilityConfigParameters{
			MetricName:               new("studio"),
			CloudwatchMetricsEnabled: new(true),
			SampledRequestsEnabled:   new(true),
		},
	}}})
}

func set(p plan.Plan, d *kit.Desired, k kit.Key, version string, ranges []string) {
	d.Add(k, &wafv2.IPSet{Spec: wafv2.IPSetSpec{ForProvider: wafv2.IPSetParameters{
		Region:           new(plan.GlobalRegion),
		Scope:            new(cloudFrontScope),
		Name:             new(p.FirewallName() + "-" + version),
		IPAddressVersion: &version,
		Addresses:        kit.List(ranges...),
	}}})
}

// rule is a rule of a web ACL in the words of AWS WAF's API, which is what
// ruleJson holds.
type rule struct {
	Name             string              `json:"Name"`
	Priority         int                 `json:"Priority"`
	Action           map[string]struct{} `json:"Action"`
	Statement        statement           `json:"Statement"`
	VisibilityConfig visibility          `json:"VisibilityConfig"`
}

type statement struct {
	IPSetReferenceStatement reference `json:"IPSetReferenceStatement"`
}

type reference struct {
	ARN string `json:"ARN"`
}

type visibility struct {
	SampledRequestsEnabled   bool   `json:"SampledRequestsEnabled"`
	CloudWatchMetricsEnabled bool   `json:"CloudWatchMetricsEnabled"`
	MetricName               string `json:"MetricName"`
}

func rules(f facts.Edge) string {
	var out []rule

	for i, arn := range []string{f.AllowedIPv4ARN, f.AllowedIPv6ARN} {
		name := []string{"allowed-ipv4", "allowed-ipv6"}[i]
		out = append(out, rule{
			Name:             name,
			Priority:         i,
			Action:           map[string]struct{}{"Allow": {}},
			Statement:        statement{IPSetReferenceStatement: reference{ARN: arn}},
			VisibilityConfig: visibility{SampledRequestsEnabled: true, CloudWatchMetricsEnabled: true, MetricName: name},
		})
	}

	b, err := json.Marshal(out)
	if err != nil {
		// Structs of text marshal.
		panic(fmt.Sprintf("cannot marshal the rules of the web ACL: %v", err))
	}

	return string(b)
}
