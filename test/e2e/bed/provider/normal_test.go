package provider

import (
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// artefacts are the places in which the recorded objects show the emulator
// they were made against, and not AWS. The double follows AWS there; the test
// insists that each of them still makes a difference.
var artefacts = map[string]string{
	"acm.Certificate.status.notAfter":                                         "issued at once; AWS waits for the DNS record",
	"acm.Certificate.status.notBefore":                                        "issued at once",
	"acm.Certificate.status.status":                                           "issued at once",
	"cloudfront.Distribution.status.defaultCacheBehavior.functionAssociation": "not given back",
	"cloudfront.Distribution.status.orderedCacheBehavior.functionAssociation": "not given back",
	"cloudfront.Distribution.status.origin.vpcOriginConfig":                   "not given back; seen on the wire",
	"cloudfront.Function.status.status":                                       "the stand-in knows no associations",
	"codebuild.Project.status.concurrentBuildLimit":                           "not given back",
	"ec2.NATGateway.status.associationId":                                     "no primary address, which Terraform looks for",
	"ec2.NATGateway.status.availabilityMode":                                  "not given back",
	"ec2.NATGateway.status.networkInterfaceId":                                "no primary address",
	"ec2.NATGateway.status.privateIp":                                         "no primary address",
	"ec2.NATGateway.status.publicIp":                                          "no primary address",
	"ec2.SecurityGroup.status.ingress.description":                            "lost beside a prefix list",
	"ec2.VPC.status.dhcpOptionsId":                                            "the word default",
	"eks.Addon.spec.addonVersion":                                             "the stand-in's version",
	"eks.Addon.status.addonVersion":                                           "the stand-in's version",
	"eks.Cluster.status.certificateAuthority":                                 "random letters, cut short",
	"eks.Cluster.status.endpoint":                                             "random letters",
	"eks.Cluster.status.identity":                                             "random letters",
	"eks.Cluster.status.kubernetesNetworkConfig":                              "empty",
	"eks.Cluster.status.vpcConfig.clusterSecurityGroupId":                     "empty",
	"eks.Cluster.status.vpcConfig.vpcId":                                      "empty",
	"eks.NodeGroup.spec.remoteAccess":                                         "made up",
	"eks.NodeGroup.status.remoteAccess":                                       "made up",
	"eks.NodeGroup.status.resources":                                          "a security group for the made-up access; the name of the group",
	"eks.NodeGroup.status.releaseVersion":                                     "of 2021",
	"eks.NodeGroup.status.version":                                            "of 2021",
	"elbv2.LB.status.zoneId":                                                  "an example",
	"iam.InstanceProfile.status.uniqueId":                                     "random letters",
	"lambda.Function.status.loggingConfig":                                    "not given back",
	"s3.BucketNotification.status.eventbridge":                                "not given back, which made it loop",
	"ssm.Document.status.platformTypes":                                       "not implemented",
	"wafv2.IPSet.status.lockToken":                                            "six letters",
	"wafv2.WebACL.status.capacity":                                            "one more than an IP set costs",
}

// random parts of values, as far as no recorded object owns them.
var random = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\b(vpc|subnet|igw|rtb|acl|sg|eni|eipalloc|eipassoc|nat|rtbassoc|vpce|sgr|pl|a)-[0-9a-f]{17}`), "$1-ID"},
	{regexp.MustCompile(`\bdopt-[0-9a-f]+`), "dopt-ID"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z| \+0000 UTC|[+-]\d{4})?`), "DATE"},
	{regexp.MustCompile(`terraform-[0-9a-f]{26,}`), "terraform-ID"},
	{regexp.MustCompile(`^(\d+\.){3}\d+$`), "IP"},
	{regexp.MustCompile(`\b(ip|ec2)-\d+-\d+-\d+-\d+\.`), "$1-IP."},
	{regexp.MustCompile(`sgrule-\d+`), "sgrule-ID"},
	{regexp.MustCompile(`^E[A-Z0-9]{12}$`), "ETAG"},
	{regexp.MustCompile(`^(AROA|A0AP|ANPA|AIPA)[A-Z0-9]+$`), "UNIQUE"},
	{regexp.MustCompile(`^_[0-9a-f]{32}\.`), "_HEX."},
	{regexp.MustCompile(`[a-z]{10}\.acm-validations`), "ACM.acm-validations"},
}

// stated are late-initialised fields that the recorded manifests had given.
var stated = map[string][]string{
	"Queue":         {"visibilityTimeoutSeconds"},
	"VPCEndpoint":   {},
	"SecurityGroup": {"name"},
	"LB":            {"clientKeepAlive", "dropInvalidHeaderFields", "enableDeletionProtection", "ipAddressType", "loadBalancerType"},
	"LBTargetGroup": {"protocolVersion"},
}

func unresolve(r reference, args cloud.Values) {
	if head, rest, nested := strings.Cut(r.field, "[]."); nested {
		r.ref, r.field = strings.TrimPrefix(r.refPath(), head+"[]."), rest
		for _, b := range args.List(head) {
			unresolve(r, b)
		}
		return
	}
	path := r.refPath()
	if r.refs != "" {
		path = r.refs
	}
	if args.Has(path) {
		unstructured.RemoveNestedField(args, strings.Split(r.field, ".")...)
	}
}

// names translates the recorded ids into those of this run.
type names map[string]string

// learn notes the id and the ARN of an object that is ready.
func (n names) learn(golden, live *unstructured.Unstructured) {
	g, l := atProvider(golden), atProvider(live)
	for _, field := range []string{"id", "arn", "dnsName", "arnSuffix", "defaultSecurityGroupId", "associationId", "networkInterface", "securityGroupRuleId", "domainName"} {
		if was := g.String(field); was != "" && l.String(field) != "" && was != golden.GetAnnotations()[annotationName]+"/" {
			n[was] = l.String(field)
		}
	}
}

// known tells whether a value names no recorded resource that is not there.
func (n names) translate(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = n.translate(e)
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, n.translate(e))
		}
		return out
	case string:
		for _, was := range n.longest() {
			v = strings.ReplaceAll(v, was, n[was])
		}
		return v
	}
	return v
}

func (n names) longest() []string {
	out := sortedKeys(anyMap(n))
	slices.SortStableFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}

func anyMap(n names) map[string]any {
	out := map[string]any{}
	for k, v := range n {
		out[k] = v
	}
	return out
}

// normal replaces random parts of strings.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = normal(e)
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, normal(e))
		}
		return out
	case string:
		for _, r := range random {
			v = r.what.ReplaceAllString(v, r.as)
		}
		return v
	}
	return v
}

func forProviderMap(u *unstructured.Unstructured) map[string]any { return forProviderOf(u) }

// forget drops artefacts from an object, and notes which it met.
func forget(kind string, v any, used map[string]bool, at []string) {
	m, ok := v.(map[string]any)
	if l, isList := v.([]any); isList {
		for _, e := range l {
			forget(kind, e, used, at)
		}
	}
	if !ok {
		return
	}
	for k, e := range m {
		path := append(slices.Clone(at), k)
		name := kind + "." + strings.Join(path, ".")
		if _, drop := artefacts[name]; drop {
			delete(m, k)
			used[name] = true
			continue
		}
		forget(kind, e, used, path)
	}
}

// fixTrimmed puts back what the recording cut short.
func fixTrimmed(g *unstructured.Unstructured) {
	args := forProviderOf(g)
	if strings.HasSuffix(args.String("policy"), "(trimmed)") {
		args["policy"] = atProvider(g).String("policy")
	}
	// With its blanks this one never agrees with what SQS answers.
	if doc := args.String("redrivePolicy"); doc != "" {
		args["redrivePolicy"] = compact(doc)
		_ = unstructured.SetNestedField(g.Object, compact(doc), "status", "atProvider", "redrivePolicy")
	}
}
