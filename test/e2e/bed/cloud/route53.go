package cloud

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var kindRecord = Kind{"route53", "Record"}

func route53Rules() []rule {
	return []rule{{
		kind: kindRecord, global: true,
		required: []string{"zoneId", "name", "type"},
		create:   createRecord,
		update:   checkRecord,
	}}
}

var hostedZone = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)

// createRecord makes a record set. Every zone that could be one is the account's.
func createRecord(t *tx) error {
	zone, name, typ := t.args.String("zoneId"), t.args.String("name"), t.args.String("type")
	if !hostedZone.MatchString(zone) {
		return refuse("NoSuchHostedZone", "No hosted zone found with ID: %s", zone)
	}
	if err := checkRecord(t); err != nil {
		return err
	}
	t.res.id = zone + "_" + strings.TrimSuffix(name, ".") + "_" + typ
	if old := t.find(kindRecord, t.res.id); old != nil {
		if !t.args.Bool("allowOverwrite") {
			return refuse("InvalidChangeBatch", "[Tried to create resource record set [name='%s', type='%s'] but it already exists]", fqdn(name), typ)
		}
		// UPSERT: from here on there is one record that two have made.
		t.drop(old, t.now)
	}
	t.res.attrs = Values{"id": t.res.id, "fqdn": strings.TrimSuffix(name, ".")}
	// A record counts when every name server has it: Terraform waits for INSYNC.
	t.res.active = t.now + DurationsOf(kindRecord).Create
	t.proved()
	return nil
}

// checkRecord holds ChangeResourceRecordSets' rules (Route 53 API reference,
// ResourceRecordSet and AliasTarget).
func checkRecord(t *tx) error {
	alias, values := t.args.List("alias"), t.args.Strings("records")
	typ := t.args.String("type")
	if !slices.Contains([]string{"A", "AAAA", "CNAME", "TXT"}, typ) {
		return refuse("InvalidInput", "1 validation error detected: Value '%s' at 'changeBatch.changes.1.member.resourceRecordSet.type' failed to satisfy constraint", typ)
	}
	if (len(alias) > 0) == (len(values) > 0) {
		return refuse("InvalidInput", "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]")
	}
	if len(alias) > 0 {
		return t.checkAlias(alias[0])
	}
	if !t.args.Has("ttl") {
		return refuse("InvalidInput", "Invalid request: Missing field 'TTL' in Change with [Action=CREATE, Name=%s, Type=%s]", t.args.String("name"), typ)
	}
	for _, v := range values {
		a, err := netip.ParseAddr(v)
		if (typ == "A" && (err != nil || !a.Is4())) || (typ == "AAAA" && (err != nil || !a.Is6())) {
			return refuse("InvalidChangeBatch", "[Invalid Resource Record: 'FATAL problem: %s (Value is not a valid address) encountered with '%s']", typ, v)
		}
	}
	if typ == "CNAME" && len(values) > 1 {
		return refuse("InvalidChangeBatch", "[RRSet of type CNAME with DNS name %s is not permitted to have more than one resource record]", fqdn(t.args.String("name")))
	}
	return nil
}

func (t *tx) checkAlias(alias Values) error {
	name, zone := strings.TrimSuffix(alias.String("name"), "."), alias.String("zoneId")
	var owner string
	switch {
	case strings.HasSuffix(name, ".cloudfront.net"):
		owner = "Z2FDTNDATAQYW2"
		if alias.Bool("evaluateTargetHealth") {
			return refuse("InvalidChangeBatch", "[EvaluateTargetHealth cannot be true when the alias target is a CloudFront distribution]")
		}
	case strings.HasSuffix(name, ".elb.amazonaws.com"):
		for lb := range t.each(kindLB) {
			if lb.attrs.String("dnsName") == name {
				owner = lb.attrs.String("zoneId")
			}
		}
	}
	if owner == "" || owner != zone {
		return refuse("InvalidChangeBatch", "[Tried to create an alias that targets %s., type %s in zone %s, but the alias target name does not lie within the target zone]", name, t.args.String("type"), zone)
	}
	return nil
}

// fqdn is a name with its final dot.
func fqdn(name string) string { return strings.TrimSuffix(name, ".") + "." }

func containsFQDN(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return fqdn(n) == fqdn(name) })
}
