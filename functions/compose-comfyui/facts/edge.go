package facts

import (
	"errors"
	"strings"

	cloudfront "github.com/upbound/provider-aws/v2/apis/namespaced/cloudfront/v1beta1"
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	elbv2 "github.com/upbound/provider-aws/v2/apis/namespaced/elbv2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Edge are the facts of part edge.
type Edge struct {
	// LoadBalancerARN, LoadBalancerDNSName and LoadBalancerZoneID are the internal
	// load balancer's.
	LoadBalancerARN, LoadBalancerDNSName, LoadBalancerZoneID string
	// TargetGroupARN is that of the front door's target group.
	TargetGroupARN string
	// Redirect says that the load balancer sends viewers from HTTP to HTTPS.
	Redirect bool
	// AutoscalingGroup is that of the system nodes, and Attachment the key of what
	// puts it behind the target group.
	AutoscalingGroup string
	Attachment       kit.Key

	// DistributionID and DistributionDomainName are CloudFront's. Both are empty
	// where the spec asks for no CloudFront.
	DistributionID, DistributionDomainName string
	// WantedVPCOrigin is the origin for the load balancer that there is.
	WantedVPCOrigin kit.Key
	// VPCOrigin is the origin that the distribution uses: the wanted one, or the
	// one before until the wanted one is ready. VPCOriginID is its id.
	VPCOrigin   kit.Key
	VPCOriginID string
	// VPCOriginMoved says that AWS has the distribution on the wanted origin.
	VPCOriginMoved bool

	// AllowedIPv4ARN, AllowedIPv6ARN and WebACLARN are AWS WAF's.
	AllowedIPv4ARN, AllowedIPv6ARN, WebACLARN string
	// WebACLComing says that AWS has the distribution without a web ACL, and that
	// the one it shall have is still being made.
	WebACLComing bool
	// WebACLInUse says that AWS has the distribution with one, or may have.
	WebACLInUse bool

	// Certificate is the one that the studio orders.
	Certificate Certificate
	// Served is the own domain name that viewers are served under, with its
	// certificate: the wanted one, or the one before until the wanted one is issued.
	Served Served
	// CertificatesInUse are ordered certificates that AWS serves somewhere, or may.
	CertificatesInUse map[kit.Key]bool
	// Alias is what the domain name's records point at.
	Alias Alias
}

// A Certificate is an ordered one, with the record that proves its name.
type Certificate struct{ DomainName, ARN, RecordName, RecordValue string }

// Served is a domain name with its certificate.
type Served struct{ DomainName, CertificateARN string }

// An Alias is what an alias record points at.
type Alias struct{ DNSName, ZoneID string }

func recallEdge(s v1alpha1.ComfyUIStudioStatus) Edge {
	e := s.Edge
	if e == nil {
		return Edge{}
	}

	f := Edge{
		LoadBalancerARN: e.LoadBalancerARN, LoadBalancerDNSName: e.LoadBalancerDNSName, LoadBalancerZoneID: e.LoadBalancerZoneID,
		TargetGroupARN: e.TargetGroupARN, AutoscalingGroup: e.AutoscalingGroup,
		DistributionID: e.DistributionID, DistributionDomainName: e.DistributionDomainName, VPCOriginID: e.VPCOriginID,
		AllowedIPv4ARN: e.AllowedIPv4ARN, AllowedIPv6ARN: e.AllowedIPv6ARN, WebACLARN: e.WebACLARN,
		Served: Served{DomainName: e.DomainName, CertificateARN: e.CertificateARN},
	}
	if c := e.Certificate; c != nil {
		f.Certificate = Certificate{DomainName: c.DomainName, ARN: c.ARN, RecordName: c.RecordName, RecordValue: c.RecordValue}
	}

	return f
}

func (f *Edge) read(p plan.Plan, o kit.Observed) error {
	f.forget(p)

	at, err := readServing(o)

	// CloudFront comes over HTTP as long as there is any of it.
	f.Redirect = !p.BehindCloudFront() && p.DomainName() != "" && o.Exists(plan.SecureListener) && !o.Exists(plan.Distribution)

	return errors.Join(err, f.loadBalancer(o), f.origins(p, o, at), f.firewall(p, o, at), f.certificates(p, o, at), f.records(p, o))
}

// forget drops what is remembered of what the spec no longer asks for. When it
// asks again, that will be another resource.
func (f *Edge) forget(p plan.Plan) {
	if !p.BehindCloudFront() {
		f.DistributionID, f.DistributionDomainName, f.VPCOriginID = "", "", ""
	}

	if !p.Firewalled() {
		f.AllowedIPv4ARN, f.AllowedIPv6ARN, f.WebACLARN = "", "", ""
	}

	// CloudFront and the load balancer take certificates from different regions.
	if p.DomainName() == "" || !inRegion(f.Served.CertificateARN, p.CertificateRegion()) {
		f.Served = Served{}
	}

	if c := f.Certificate; !p.OrdersCertificate() || c.DomainName != p.DomainName() || !inRegion(c.ARN, p.CertificateRegion()) {
		f.Certificate = Certificate{}
	}
}

func inRegion(certificateARN, region string) bool {
	return strings.Contains(certificateARN, ":acm:"+region+":")
}

func (f *Edge) loadBalancer(o kit.Observed) error {
	lb, group, nodes := elbv2.LBObservation{}, elbv2.LBTargetGroupObservation{}, eks.NodeGroupObservation{}

	_, lbErr := o.AtProvider(plan.LoadBalancer, &lb)
	_, groupErr := o.AtProvider(plan.TargetGroup, &group)
	_, nodesErr := o.AtProvider(plan.SystemNodes, &nodes)

	set(&f.LoadBalancerARN, lb.Arn)
	set(&f.LoadBalancerDNSName, lb.DNSName)
	set(&f.LoadBalancerZoneID, lb.ZoneID)
	set(&f.TargetGroupARN, group.Arn)

	if len(nodes.Resources) > 0 && len(nodes.Resources[0].AutoscalingGroups) > 0 {
		set(&f.AutoscalingGroup, nodes.Resources[0].AutoscalingGroups[0].Name)
	}

	f.Attachment = member(o, plan.Attachments, plan.Attachment(f.AutoscalingGroup), f.AutoscalingGroup)

	return errors.Join(lbErr, groupErr, nodesErr)
}

// member is the wanted key of a family that is named by a value. While nobody
// knows the value, what is there of the family is not to be taken for another.
func member(o kit.Observed, family string, wanted kit.Key, value string) kit.Key {
	if there := o.Family(family); value == "" && len(there) > 0 {
		return there[0]
	}

	return wanted
}

// origins finds the VPC origin that the distribution uses. AWS changes none that
// is in use, so for another load balancer there is another origin: it is made,
// the distribution moves to it, the one before leaves.
func (f *Edge) origins(p plan.Plan, o kit.Observed, at serving) error {
	if !p.BehindCloudFront() {
		return nil
	}

	set(&f.DistributionID, at.id)
	set(&f.DistributionDomainName, at.domainName)

	f.WantedVPCOrigin = member(o, plan.VPCOrigins, plan.VPCOrigin(p.VPCOriginSetting(f.LoadBalancerARN)), f.LoadBalancerARN)
	f.VPCOrigin = f.WantedVPCOrigin

	ids := map[kit.Key]string{}

	for _, k := range o.Family(plan.VPCOrigins) {
		origin := cloudfront.VPCOriginObservation{}
		if _, err := o.AtProvider(k, &origin); err != nil {
			return err
		}

		if known(origin.ID) {
			ids[k] = *origin.ID
		}
	}

	used := at.origin
	if used == "" && o.Exists(plan.Distribution) {
		used = f.VPCOriginID
	}

	f.VPCOriginMoved = ids[f.WantedVPCOrigin] != "" && ids[f.WantedVPCOrigin] == at.origin

	// The distribution never goes back: not to an origin that is going, and not
	// when the new one looks unready for a moment.
	for k, id := range ids {
		if k != f.WantedVPCOrigin && id == used && !o.Deleting(k) && !f.VPCOriginMoved && !o.Ready(f.WantedVPCOrigin) {
			f.VPCOrigin = k
		}
	}

	if id := ids[f.VPCOrigin]; id != "" {
		f.VPCOriginID = id
	}

	return nil
}
