package edge

import (
	"strings"

	acm "github.com/upbound/provider-aws/v2/apis/namespaced/acm/v1beta1"
	route53 "github.com/upbound/provider-aws/v2/apis/namespaced/route53/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// certificate orders a certificate where none is given, and proves the name in
// the hosted zone.
func certificate(p plan.Plan, f facts.Edge, d *kit.Desired) {
	name, region := p.DomainName(), p.CertificateRegion()
	ordered, record, validation := plan.Certificate(name, region), plan.CertificateRecord(name, region), plan.CertificateValidation(name, region)

	if p.OrdersCertificate() {
		d.Add(ordered, &acm.Certificate{Spec: acm.CertificateSpec{ForProvider: acm.CertificateParameters{
			Region:           &region,
			DomainName:       &name,
			ValidationMethod: new("DNS"),
		}}})

		proof := kit.All(kit.After(ordered), kit.Needs(together(f.Certificate.RecordName, f.Certificate.RecordValue), "the certificate's record"))
		// Route 53 gives names back without the final dot.
		recordName := strings.TrimSuffix(f.Certificate.RecordName, ".")

		d.AddWhen(proof, record, &route53.Record{Spec: route53.RecordSpec{ForProvider: route53.RecordParameters{
			ZoneID:  new(p.HostedZone()),
			Name:    &recordName,
			Type:    new("CNAME"),
			TTL:     new(300.0),
			Records: kit.List(f.Certificate.RecordValue),
			// ACM asks for the same record for every certificate of a name in an account:
			// another region's, or one that somebody ordered by hand.
			AllowOverwrite: new(true),
		}}})

		d.AddWhen(kit.All(proof, kit.After(record)), validation, &acm.CertificateValidation{Spec: acm.CertificateValidationSpec{ForProvider: acm.CertificateValidationParameters{
			Region:                &region,
			CertificateArnRef:     d.Ref(ordered),
			ValidationRecordFqdns: kit.List(recordName),
		}}})
	} else {
		ordered, record, validation = "", "", ""
	}

	drop(d, validation, plan.CertificateValidations)
	drop(d, record, plan.CertificateRecords)

	for _, k := range plan.Certificates(d.Observed().Keys()) {
		switch {
		case k == ordered:
		case f.CertificatesInUse[k]:
			// Neither ACM nor CloudFront lets go of it before viewers are served with
			// another one.
			d.RemoveAfter(k, plan.Distribution, plan.SecureListener)
		default:
			d.RemoveAfter(k)
		}
	}
}

// issued waits for the certificate, where the studio orders it.
func issued(p plan.Plan) kit.Gate {
	if !p.OrdersCertificate() {
		return kit.Gate{}
	}

	return kit.After(plan.CertificateValidation(p.DomainName(), p.CertificateRegion()))
}

// records point the name at the studio.
func records(p plan.Plan, f facts.Edge, d *kit.Desired) {
	name, zone := p.DomainName(), p.HostedZone()
	ipv4, ipv6 := plan.RecordIPv4(name, zone), plan.RecordIPv6(name, zone)

	if zone == "" {
		ipv4, ipv6 = "", ""
	}

	// The internal load balancer has IPv4 addresses alone.
	if !p.ServesIPv6() {
		ipv6 = ""
	}

	entry := plan.SecureListener
	if p.BehindCloudFront() {
		entry = plan.Distribution
	}

	for k, typ := range map[kit.Key]string{ipv4: "A", ipv6: "AAAA"} {
		if k == "" {
			continue
		}

		g := kit.All(issued(p), kit.After(entry), kit.Needs(together(f.Alias.DNSName, f.Alias.ZoneID), "the address behind the domain name"))
		d.AddWhen(g, k, &route53.Record{Spec: route53.RecordSpec{ForProvider: route53.RecordParameters{
			ZoneID: &zone,
			Name:   &name,
			Type:   &typ,
			Alias: &route53.AliasParameters{
				Name:   &f.Alias.DNSName,
				ZoneID: &f.Alias.ZoneID,
				// CloudFront's cannot be, and a studio has no second address to go to.
				EvaluateTargetHealth: new(false),
			},
		}}})
	}

	drop(d, ipv4, plan.RecordsIPv4)
	drop(d, ipv6, plan.RecordsIPv6)
}

// drop lets the members of a family go that are not wanted any more.
func drop(d *kit.Desired, wanted kit.Key, family string) {
	for _, k := range d.Observed().Family(family) {
		if k != wanted {
			d.RemoveAfter(k)
		}
	}
}

// together is empty where one of two values is that AWS tells at once.
func together(a, b string) string {
	if a == "" {
		return ""
	}

	return b
}
