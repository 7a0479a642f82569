package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

const (
	// GlobalRegion is where AWS keeps what belongs to CloudFront: its certificates
	// and its firewalls.
	GlobalRegion = "us-east-1"
	// CloudFrontZone is the hosted zone of every distribution, which an alias
	// record names (Route 53 API reference, AliasTarget).
	CloudFrontZone = "Z2FDTNDATAQYW2"
	// OriginHeader carries the secret by which the front door knows CloudFront.
	OriginHeader = "X-Comfyui-Studio-Origin"

	// HTTPPort and HTTPSPort are the load balancer's.
	HTTPPort  = 80
	HTTPSPort = 443
)

// Longest names. elasticloadbalancing:CreateLoadBalancer and CreateTargetGroup;
// wafv2:CreateIPSet and CreateWebACL; cloudfront VpcOriginEndpointConfig: their
// API references. The last gives no limit; it is held to the shortest of ours.
const (
	maxLoadBalancer = 32
	maxFirewall     = 128
	maxVPCOrigin    = 63
)

// maxSources is how many rules of one protocol a security group may have in one
// direction (Amazon VPC quotas).
const maxSources = 60

// edgeName is the name that AWS shows of a resource of part edge. What has a name
// there has it in its spec, and an id that AWS makes.
func (p Plan) edgeName(kit.Key) string { return "" }

// LoadBalancerName is the load balancer's name, and the target group's.
func (p Plan) LoadBalancerName() string {
	name := p.name("edge", maxLoadBalancer)

	// AWS keeps these for the host names of internal load balancers.
	if strings.HasPrefix(name, "internal-") {
		name = fit("studio-"+strings.ReplaceAll(p.Studio, ".", "-"), "-"+p.id()+"-edge", maxLoadBalancer)
	}

	return name
}

// FirewallName is the name of the web ACL, and what those of its sets begin with.
func (p Plan) FirewallName() string { return p.name("edge", maxFirewall) }

// VPCOriginName is the name of the VPC origin under a key. Two origins of one
// name cannot be there at once.
func (p Plan) VPCOriginName(k kit.Key) string { return p.name(string(k), maxVPCOrigin) }

// VPCOriginSetting is everything that a VPC origin is made from: what differs in
// it is another origin.
func (p Plan) VPCOriginSetting(loadBalancerARN string) string {
	return fmt.Sprintf("%s http-only %d %d TLSv1.2", loadBalancerARN, HTTPPort, HTTPSPort)
}

// BehindCloudFront says whether CloudFront serves the studio.
func (p Plan) BehindCloudFront() bool { return p.Access.CDN == nil || *p.Access.CDN }

// Firewalled says whether CloudFront lets only some viewers in. Without
// CloudFront the load balancer's security group does that.
func (p Plan) Firewalled() bool { return p.BehindCloudFront() && len(p.Access.AllowedCIDRs) > 0 }

// AllowedRanges are the viewers' ranges of one protocol, sorted.
func (p Plan) AllowedRanges(ipv6 bool) []string { return ranges(p.Access.AllowedCIDRs, ipv6) }

// ServesIPv6 says whether viewers may come over IPv6. Where only IPv4 ranges are
// let in, a viewer who has both must not try the other one and be refused.
func (p Plan) ServesIPv6() bool {
	return p.BehindCloudFront() && (!p.Firewalled() || len(p.AllowedRanges(true)) > 0)
}

// DomainName is the studio's own, or empty.
func (p Plan) DomainName() string {
	if p.Access.Domain == nil {
		return ""
	}

	return p.Access.Domain.Name
}

// OrdersCertificate says whether the studio gets its certificate itself.
func (p Plan) OrdersCertificate() bool {
	return p.Access.Domain != nil && p.Access.Domain.CertificateARN == ""
}

// CertificateRegion is where the certificate has to be.
func (p Plan) CertificateRegion() string {
	if p.BehindCloudFront() {
		return GlobalRegion
	}

	return p.RegionName
}

// HostedZone is where the name's records go, or empty.
func (p Plan) HostedZone() string {
	if p.Access.Domain == nil {
		return ""
	}

	return p.Access.Domain.HostedZoneID
}

// A Source is who may reach the load balancer on a port. One of the first three
// is set.
type Source struct {
	PrefixList, IPv4, IPv6 string
	Port                   int
}

// Key is the key of the rule that lets the source in.
func (s Source) Key() kit.Key {
	return LoadBalancerIn(fmt.Sprintf("%s%s%s:%d", s.PrefixList, s.IPv4, s.IPv6, s.Port))
}

// Sources are who may reach the load balancer. It is internal: whoever is let in
// from anywhere still needs a way into the VPC.
func (p Plan) Sources() []Source {
	const anywhere = "0.0.0.0/0"

	if p.BehindCloudFront() {
		// CloudFront does not come from an address of the VPC: with the VPC's range
		// alone it gets no answer and tells viewers 504.
		if list := p.cloudFrontPrefixList(); list != "" {
			return []Source{{PrefixList: list, Port: HTTPPort}}
		}

		// Nobody lists this region's. VPC origins of this account are still the only
		// way in that CloudFront has.
		return []Source{{IPv4: anywhere, Port: HTTPPort}}
	}

	ports := []int{HTTPPort}
	if p.Access.Domain != nil {
		ports = append(ports, HTTPSPort)
	}

	var out []Source

	for _, port := range ports {
		// People come through a VPN or a peered network, whose ranges the studio does
		// not know.
		if len(p.Access.AllowedCIDRs) == 0 {
			out = append(out, Source{IPv4: anywhere, Port: port})
		}

		for _, r := range p.AllowedRanges(false) {
			out = append(out, Source{IPv4: r, Port: port})
		}

		for _, r := range p.AllowedRanges(true) {
			out = append(out, Source{IPv6: r, Port: port})
		}
	}

	return out
}

// cloudFrontPrefixList is the prefix list of CloudFront's addresses, or empty.
func (p Plan) cloudFrontPrefixList() string {
	r, err := LookupRegion(p.RegionName)
	if err != nil {
		return ""
	}

	return r.PrefixList
}

// rangesFit refuses more ranges than a security group holds. AWS WAF, which does
// it behind CloudFront, holds ten thousand.
func rangesFit(access v1alpha1.Access) error {
	if access.CDN == nil || *access.CDN {
		return nil
	}

	limit, why := maxSources, " a security group has"
	if access.Domain != nil {
		limit, why = maxSources/2, ", one for HTTP and one for HTTPS each, a security group has"
	}

	for i, protocol := range []string{"IPv4", "IPv6"} {
		if n := len(ranges(access.AllowedCIDRs, i == 1)); n > limit {
			return fmt.Errorf("spec.access.allowedCIDRs: %d %s ranges need more than the %d rules that%s; join ranges until there are %d, or set spec.access.cdn to true",
				n, protocol, maxSources, why, limit)
		}
	}

	return nil
}

func ranges(cidrs []string, ipv6 bool) []string {
	var out []string

	for _, c := range cidrs {
		if r, err := netip.ParsePrefix(c); err == nil && r.Addr().Is6() == ipv6 {
			out = append(out, r.String())
		}
	}

	slices.Sort(out)

	return slices.Compact(out)
}
