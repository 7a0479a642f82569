package facts

import (
	"errors"

	acm "github.com/upbound/provider-aws/v2/apis/namespaced/acm/v1beta1"
	cloudfront "github.com/upbound/provider-aws/v2/apis/namespaced/cloudfront/v1beta1"
	elbv2 "github.com/upbound/provider-aws/v2/apis/namespaced/elbv2/v1beta1"
	route53 "github.com/upbound/provider-aws/v2/apis/namespaced/route53/v1beta1"
	wafv2 "github.com/upbound/provider-aws/v2/apis/namespaced/wafv2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// serving is what AWS has viewers meet: what the distribution and the HTTPS
// listener are made of there, which is not always what they shall be.
type serving struct {
	id, domainName *string
	// origin, webACL, certificate and alias are the distribution's.
	origin, webACL, certificate, alias string
	// listenerCertificate is the HTTPS listener's.
	listenerCertificate string
	// distribution and listener say that there is one, unseen that one is there
	// and AWS does not tell of it.
	distribution, unseen bool
}

func readServing(o kit.Observed) (serving, error) {
	d, l := cloudfront.DistributionObservation{}, elbv2.LBListenerObservation{}

	_, distributionErr := o.AtProvider(plan.Distribution, &d)
	_, listenerErr := o.AtProvider(plan.SecureListener, &l)

	at := serving{id: d.ID, domainName: d.DomainName, distribution: known(d.ID)}
	at.unseen = o.Exists(plan.Distribution) && !known(d.ID) || o.Exists(plan.SecureListener) && !known(l.CertificateArn)

	set(&at.webACL, d.WebACLID)
	set(&at.listenerCertificate, l.CertificateArn)

	if len(d.Origin) > 0 && d.Origin[0].VPCOriginConfig != nil {
		set(&at.origin, d.Origin[0].VPCOriginConfig.VPCOriginID)
	}

	if d.ViewerCertificate != nil {
		set(&at.certificate, d.ViewerCertificate.AcmCertificateArn)
	}

	if len(d.Aliases) > 0 {
		set(&at.alias, d.Aliases[0])
	}

	return at, errors.Join(distributionErr, listenerErr)
}

func (f *Edge) firewall(p plan.Plan, o kit.Observed, at serving) error {
	f.WebACLInUse = at.webACL != "" || o.Exists(plan.Distribution) && !at.distribution

	if !p.Firewalled() {
		return nil
	}

	ipv4, ipv6, acl := wafv2.IPSetObservation{}, wafv2.IPSetObservation{}, wafv2.WebACLObservation{}

	_, ipv4Err := o.AtProvider(plan.AllowedIPv4, &ipv4)
	_, ipv6Err := o.AtProvider(plan.AllowedIPv6, &ipv6)
	_, aclErr := o.AtProvider(plan.WebACL, &acl)

	set(&f.AllowedIPv4ARN, ipv4.Arn)
	set(&f.AllowedIPv6ARN, ipv6.Arn)
	set(&f.WebACLARN, acl.Arn)

	// The distribution itself remembers, too.
	if f.WebACLARN == "" {
		f.WebACLARN = at.webACL
	}

	f.WebACLComing = f.WebACLARN == "" && at.distribution

	return errors.Join(ipv4Err, ipv6Err, aclErr)
}

// certificates finds what viewers are served with. A name or a region that
// changes is another certificate, which takes minutes to be issued: until then
// viewers are served as before.
func (f *Edge) certificates(p plan.Plan, o kit.Observed, at serving) error {
	f.CertificatesInUse = map[kit.Key]bool{}

	for _, k := range plan.Certificates(o.Keys()) {
		c := acm.CertificateObservation{}
		if _, err := o.AtProvider(k, &c); err != nil {
			return err
		}

		f.CertificatesInUse[k] = at.unseen || !known(c.Arn) || *c.Arn == at.certificate || *c.Arn == at.listenerCertificate

		if p.OrdersCertificate() && k == plan.Certificate(p.DomainName(), p.CertificateRegion()) {
			f.ordered(p, c)
		}
	}

	f.Served = f.served(p, o, at)

	return nil
}

func (f *Edge) ordered(p plan.Plan, c acm.CertificateObservation) {
	set(&f.Certificate.ARN, c.Arn)

	if len(c.DomainValidationOptions) > 0 {
		set(&f.Certificate.RecordName, c.DomainValidationOptions[0].ResourceRecordName)
		set(&f.Certificate.RecordValue, c.DomainValidationOptions[0].ResourceRecordValue)
	}

	f.Certificate.DomainName = p.DomainName()
}

func (f *Edge) served(p plan.Plan, o kit.Observed, at serving) Served {
	name := p.DomainName()
	if name == "" {
		return Served{}
	}

	// What is served now, as AWS tells, else as remembered.
	now := f.Served

	switch {
	case p.BehindCloudFront() && at.certificate != "":
		now = Served{DomainName: at.alias, CertificateARN: at.certificate}
	case !p.BehindCloudFront() && at.listenerCertificate != "":
		now.CertificateARN = at.listenerCertificate
	}

	if arn := p.Access.Domain.CertificateARN; arn != "" {
		return Served{DomainName: name, CertificateARN: arn}
	}

	arn := f.Certificate.ARN
	if arn != "" && (arn == now.CertificateARN || o.Ready(plan.CertificateValidation(name, p.CertificateRegion()))) {
		return Served{DomainName: name, CertificateARN: arn}
	}

	return now
}

// records finds what the domain name's records point at: where viewers are
// served under the name, else where they point now.
func (f *Edge) records(p plan.Plan, o kit.Observed) error {
	name, zone := p.DomainName(), p.HostedZone()
	if name == "" || zone == "" {
		return nil
	}

	to := Alias{DNSName: f.LoadBalancerDNSName, ZoneID: f.LoadBalancerZoneID}
	if p.BehindCloudFront() {
		to = Alias{DNSName: f.DistributionDomainName, ZoneID: plan.CloudFrontZone}
	}

	if f.Served.DomainName == name && to.DNSName != "" && to.ZoneID != "" {
		f.Alias = to
		return nil
	}

	r := route53.RecordObservation{}

	_, err := o.AtProvider(plan.RecordIPv4(name, zone), &r)
	if r.Alias != nil {
		set(&f.Alias.DNSName, r.Alias.Name)
		set(&f.Alias.ZoneID, r.Alias.ZoneID)
	}

	return err
}
