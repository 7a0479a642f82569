package cloud

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
)

var (
	kindIPSet  = Kind{"wafv2", "IPSet"}
	kindWebACL = Kind{"wafv2", "WebACL"}
)

func wafRules() []rule {
	inUse := func(*tx, *record) error {
		return refuse("WAFAssociatedItemException", "AWS WAF couldn't perform the operation because your resource is being used by another resource or it's associated with another resource.")
	}
	return []rule{{
		kind:   kindIPSet,
		create: func(t *tx) error { return createWAF(t, "ipset", checkIPSet) },
		update: checkIPSet,
		remove: func(t *tx) error {
			for acl := range t.each(kindWebACL) {
				if strings.Contains(acl.args.String("ruleJson"), t.res.arn) {
					return inUse(t, acl)
				}
			}
			return nil
		},
	}, {
		kind:       kindWebACL,
		create:     func(t *tx) error { return createWAF(t, "webacl", checkWebACL) },
		update:     checkWebACL,
		dependents: []dependent{{kind: kindDistribution, path: "webAclId", by: arnOf}},
		inUse:      inUse,
	}}
}

func createWAF(t *tx, what string, check func(*tx) error) error {
	scope, name := t.args.String("scope"), t.args.String("name")
	if scope == "CLOUDFRONT" && t.call.region() != "us-east-1" {
		return refuse("WAFInvalidParameterException", "Error reason: The scope is not valid., field: SCOPE_VALUE, parameter: CLOUDFRONT")
	}
	for r := range t.each(t.call.Kind) {
		if r.args.String("name") == name && r.args.String("scope") == scope {
			return refuse("WAFDuplicateItemException", "AWS WAF couldn't perform the operation because some resource in your request is a duplicate of an existing one.")
		}
	}
	if err := check(t); err != nil {
		return err
	}
	t.res.id = t.uuid()
	level := "regional"
	if scope == "CLOUDFRONT" {
		level = "global"
	}
	t.res.arn = t.arnOf("wafv2", level+"/"+what+"/"+name+"/"+t.res.id)
	t.res.attrs = Values{"arn": t.res.arn, "id": t.res.id, "lockToken": t.uuid()}
	if what == "webacl" {
		t.res.attrs["capacity"] = int64(1)
	}
	return nil
}

func checkIPSet(t *tx) error {
	for _, a := range t.args.Strings("addresses") {
		p, err := netip.ParsePrefix(a)
		if err != nil || p.Masked() != p || p.Addr().Is4() != (t.args.String("ipAddressVersion") == "IPV4") {
			return refuse("WAFInvalidParameterException", "Error reason: The parameter contains formatting that is not valid., field: IP_ADDRESS, parameter: %s", a)
		}
	}
	return nil
}

var ipSetARN = regexp.MustCompile(`"ARN"\s*:\s*"(arn:aws:wafv2:[^"]*/ipset/[^"]*)"`)

func checkWebACL(t *tx) error {
	doc := t.args.String("ruleJson")
	if doc == "" {
		return nil
	}
	rules := []any{}
	if err := json.Unmarshal([]byte(doc), &rules); err != nil {
		return refuse("WAFInvalidParameterException", "Error reason: the rules are not valid JSON: %s", err)
	}
	for _, m := range ipSetARN.FindAllStringSubmatch(doc, -1) {
		if !t.hasIPSet(m[1]) {
			return refuse("WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource doesn't exist: %s", m[1])
		}
	}
	return nil
}

func (t *tx) hasIPSet(arn string) bool {
	for s := range t.each(kindIPSet) {
		if s.arn == arn {
			return true
		}
	}
	return false
}

func (t *tx) hasACL(arn string) bool {
	for a := range t.each(kindWebACL) {
		if a.arn == arn {
			return true
		}
	}
	return false
}
