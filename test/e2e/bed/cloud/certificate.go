package cloud

import (
	"slices"
	"strings"
	"time"
)

var (
	kindCertificate           = Kind{"acm", "Certificate"}
	kindCertificateValidation = Kind{"acm", "CertificateValidation"}
)

// afterProof is how long ACM takes to see a record and issue the certificate
// ("adds 1-5 min").
const afterProof = 90 * time.Second

func certificateRules() []rule {
	return []rule{{
		kind:     kindCertificate,
		required: []string{"domainName"},
		create:   createCertificate,
		read:     readCertificate,
		dependents: []dependent{
			{kind: kindDistribution, path: "viewerCertificate.acmCertificateArn", by: arnOf},
			{kind: kindListener, path: "certificateArn", by: arnOf},
		},
		inUse: func(t *tx, _ *record) error {
			return refuse("ResourceInUseException", "Certificate %s is in use", t.res.arn)
		},
	}, {
		// It is nothing in AWS: Terraform waits until the certificate is issued.
		kind:     kindCertificateValidation,
		required: []string{"certificateArn"},
		create:   createCertificateValidation,
	}}
}

func createCertificate(t *tx) error {
	domain := t.args.String("domainName")
	if !strings.Contains(domain, ".") {
		return refuse("ValidationException", "1 validation error detected: Value '%s' at 'domainName' failed to satisfy constraint", domain)
	}
	t.res.arn = t.arnOf("acm", "certificate/"+t.uuid())
	t.res.id = t.res.arn
	record, value := "_"+t.hex(32), "_"+t.hex(32)
	// "The CNAME record is the same for all certificates of a domain in an account"
	// (ACM user guide, "DNS validation").
	for c := range t.each(kindCertificate) {
		for _, o := range c.attrs.List("domainValidationOptions") {
			if o.String("domainName") == domain {
				record, _, _ = strings.Cut(o.String("resourceRecordName"), ".")
				value, _, _ = strings.Cut(o.String("resourceRecordValue"), ".")
			}
		}
	}
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "status": "PENDING_VALIDATION", "keyAlgorithm": "RSA_2048", "renewalEligibility": "INELIGIBLE",
		"type": "AMAZON_ISSUED", "subjectAlternativeNames": []any{domain},
		"options": map[string]any{"certificateTransparencyLoggingPreference": "ENABLED", "export": "DISABLED"},
		"domainValidationOptions": []any{map[string]any{
			"domainName": domain, "resourceRecordName": record + "." + domain + ".", "resourceRecordType": "CNAME",
			"resourceRecordValue": value + ".jkddzztszm.acm-validations.aws.",
		}},
	}
	given(t.res.attrs, t.args, "keyAlgorithm", "options", "subjectAlternativeNames")
	return nil
}

func readCertificate(t *tx) {
	if t.now >= t.issued(t.res) {
		t.res.attrs["status"] = "ISSUED"
	}
}

// issued is when ACM issues a certificate: never without its record, and for
// good once it has. A record that is being made counts, too.
func (t *tx) issued(c *record, making ...*record) time.Duration {
	if c.attrs.String("status") == "ISSUED" {
		return 0
	}
	at := Never
	for _, o := range c.attrs.List("domainValidationOptions") {
		for _, r := range append(slices.Collect(t.each(kindRecord)), making...) {
			if r.args.String("type") == "CNAME" && fqdn(r.args.String("name")) == o.String("resourceRecordName") && r.args.mentions("records", o.String("resourceRecordValue")) {
				at = r.active + afterProof
			}
		}
	}
	return at
}

// certificateIn finds a certificate by ARN. One that is none of ours was there
// before the studio.
func (t *tx) certificateIn(arn, region string) (c *record, there bool) {
	if !strings.HasPrefix(arn, "arn:aws:acm:"+region+":") {
		return nil, false
	}
	for c := range t.each(kindCertificate) {
		if c.arn == arn {
			return c, true
		}
	}
	return nil, !strings.HasPrefix(arn, "arn:aws:acm:"+region+":"+t.account+":")
}

func createCertificateValidation(t *tx) error {
	arn := t.args.String("certificateArn")
	c := t.find(kindCertificate, arn)
	if c == nil {
		return refuse("ResourceNotFoundException", "Could not find certificate %s", arn)
	}
	// Terraform compares before it waits.
	for _, o := range c.attrs.List("domainValidationOptions") {
		if names := t.args.Strings("validationRecordFqdns"); len(names) > 0 && !containsFQDN(names, o.String("resourceRecordName")) {
			return refuse("ValidationException", "missing %s DNS validation record: %s", o.String("domainName"), o.String("resourceRecordName"))
		}
	}
	t.res.id = t.date() + t.hex(4)
	t.res.attrs = Values{"id": t.res.id}
	if at := t.issued(c); at == Never {
		t.res.waiting = true
	} else {
		t.res.notBefore = at
	}
	return nil
}

// proved lets validations go on that wait for the record that is being made.
func (t *tx) proved() {
	for v := range t.each(kindCertificateValidation) {
		c := t.live[t.key(kindCertificate, v.region, v.args.String("certificateArn"))]
		if c == nil || !v.waiting {
			continue
		}
		if at := t.issued(c, t.res); at != Never {
			v.waiting, v.active = false, max(at, v.created)
		}
	}
	t.broadcast()
}
