package cloud

import (
	"reflect"
	"slices"
	"strings"
)

var (
	kindVPCOrigin    = Kind{"cloudfront", "VPCOrigin"}
	kindDistribution = Kind{"cloudfront", "Distribution"}
	kindViewer       = Kind{"cloudfront", "Function"}
)

func cloudfrontRules() []rule {
	return []rule{{
		kind: kindVPCOrigin, global: true,
		required:   []string{"vpcOriginEndpointConfig.arn", "vpcOriginEndpointConfig.name"},
		create:     createVPCOrigin,
		update:     updateVPCOrigin,
		dependents: []dependent{{kind: kindDistribution, path: "origin.vpcOriginConfig.vpcOriginId"}},
		inUse: func(*tx, *record) error {
			return refuse("CannotDeleteEntityWhileInUse", "The VPC origin is in use by a distribution")
		},
	}, {
		kind: kindViewer, global: true,
		required: []string{"code"},
		identity: func(c Call) string { return c.Name },
		exists: func(t *tx) error {
			return refuse("FunctionAlreadyExists", "A function with the same name already exists in your AWS account: %s", t.call.Name)
		},
		create: createViewer,
		update: checkViewer,
		read: func(t *tx) {
			t.res.attrs["status"] = "UNASSOCIATED"
			for d := range t.each(kindDistribution) {
				if uses(d, t.res.arn) {
					t.res.attrs["status"] = "ASSOCIATED"
				}
			}
		},
		dependents: []dependent{
			{kind: kindDistribution, path: "defaultCacheBehavior.functionAssociation.functionArn", by: arnOf},
			{kind: kindDistribution, path: "orderedCacheBehavior.functionAssociation.functionArn", by: arnOf},
		},
		inUse: func(*tx, *record) error {
			return refuse("FunctionInUse", "Cannot delete function, because it's in use by at least one distribution")
		},
	}, {
		kind: kindDistribution, global: true,
		create: createDistribution,
		update: checkDistribution,
		read: func(t *tx) {
			t.res.attrs["status"] = "InProgress"
			if t.res.state(t.now) == StateActive {
				t.res.attrs["status"] = "Deployed"
			}
		},
	}}
}

func arnOf(r *record) string { return r.arn }

// createVPCOrigin wants the load balancer in place and an internet gateway
// attached, "even though traffic does not use it".
func createVPCOrigin(t *tx) error {
	name, arn := t.args.String("vpcOriginEndpointConfig.name"), t.args.String("vpcOriginEndpointConfig.arn")
	for o := range t.each(kindVPCOrigin) {
		if o.args.String("vpcOriginEndpointConfig.name") == name {
			return refuse("EntityAlreadyExists", "The VPC origin with the name %s already exists", name)
		}
	}
	lb := t.lbByARN(arn)
	if lb == nil {
		return refuse("InvalidArgument", "The specified load balancer does not exist: %s", arn)
	}
	if !lb.usable(t.now) {
		return refuse("InvalidArgument", "The specified load balancer is not active: %s", arn)
	}
	vpc := lb.attrs.String("vpcId")
	if igw := t.internetGateway(vpc); igw == nil {
		return refuse("InvalidArgument", "The VPC %s has no internet gateway", vpc)
	}
	for s := range t.each(kindSubnet) {
		if zone := s.attrs.String("availabilityZoneId"); slices.Contains(lb.args.Strings("subnets"), s.id) && slices.Contains(notForVPCOrigins, zone) {
			return refuse("InvalidArgument", "VPC origins are not supported in availability zone %s", zone)
		}
	}
	t.res.id = "vo_" + t.hex(20)
	t.res.arn = "arn:aws:cloudfront::" + t.account + ":vpcorigin/" + t.res.id
	t.res.attrs = Values{"arn": t.res.arn, "id": t.res.id, "etag": "E" + t.upper(12)}
	// CloudFront's interfaces and its security group stay in the subnets.
	t.res.holds = Values{"vpcId": vpc, "subnetIds": anyList(lb.args.Strings("subnets"))}
	return nil
}

func (t *tx) lbByARN(arn string) *record {
	for lb := range t.each(kindLB) {
		if lb.arn == arn {
			return lb
		}
	}
	return nil
}

// updateVPCOrigin refuses a change of the endpoint while a distribution uses it.
// Tags are another call (terraform-provider-aws, vpc_origin.go: UpdateVpcOrigin is
// called when vpc_origin_endpoint_config differs), and pass.
func updateVPCOrigin(t *tx) error {
	if reflect.DeepEqual(t.args["vpcOriginEndpointConfig"], t.res.args["vpcOriginEndpointConfig"]) {
		return nil
	}
	for d := range t.each(kindDistribution) {
		if d.args.mentions("origin.vpcOriginConfig.vpcOriginId", t.res.id) {
			return refuse("CannotUpdateEntityWhileInUse", "The VPC origin is in use by a distribution")
		}
	}
	return nil
}

func uses(distribution *record, function string) bool {
	return distribution.args.mentions("defaultCacheBehavior.functionAssociation.functionArn", function) ||
		distribution.args.mentions("orderedCacheBehavior.functionAssociation.functionArn", function)
}

func createViewer(t *tx) error {
	if len(t.call.Name) > 64 || !lambdaName.MatchString(t.call.Name) {
		return refuse("InvalidArgument", "The function name %s is not valid", t.call.Name)
	}
	if err := checkViewer(t); err != nil {
		return err
	}
	t.res.arn = "arn:aws:cloudfront::" + t.account + ":function/" + t.call.Name
	etag := "E" + t.upper(12)
	t.res.attrs = Values{"arn": t.res.arn, "id": t.call.Name, "etag": etag, "liveStageEtag": etag}
	return nil
}

func checkViewer(t *tx) error {
	if r := t.args.String("runtime"); r != "cloudfront-js-1.0" && r != "cloudfront-js-2.0" {
		return refuse("InvalidArgument", "The function runtime %q is not supported", r)
	}
	if len(t.args.String("code")) > 10<<10 {
		return refuse("FunctionSizeLimitExceeded", "The function code is larger than 10 KB")
	}
	return nil
}

func createDistribution(t *tx) error {
	if err := checkDistribution(t); err != nil {
		return err
	}
	t.res.id = "E" + t.upper(13)
	t.res.arn = "arn:aws:cloudfront::" + t.account + ":distribution/" + t.res.id
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "callerReference": "terraform-" + t.clock.Wall().Format("20060102150405") + t.hex(12),
		"domainName": "d" + strings.ToLower(t.upper(13)) + ".cloudfront.net", "etag": "E" + t.upper(12), "hostedZoneId": "Z2FDTNDATAQYW2",
		"lastModifiedTime": t.clock.Wall().Format("2006-01-02 15:04:05.000 +0000 UTC"),
		"trustedKeyGroups": []any{map[string]any{"enabled": false}}, "trustedSigners": []any{map[string]any{"enabled": false}},
	}
	return nil
}

func checkDistribution(t *tx) error {
	origins := []string{}
	for _, o := range t.args.List("origin") {
		origins = append(origins, o.String("originId"))
		if !strings.Contains(o.String("domainName"), ".") {
			return refuse("InvalidArgument", "The parameter Origin DomainName %q does not refer to a valid domain", o.String("domainName"))
		}
		id := o.String("vpcOriginConfig.vpcOriginId")
		if id == "" {
			continue
		}
		vo := t.find(kindVPCOrigin, id)
		if vo == nil {
			return refuse("EntityNotFound", "The VPC origin %s does not exist", id)
		}
		if !vo.usable(t.now) {
			return refuse("InvalidArgument", "The VPC origin %s is not deployed", id)
		}
	}
	behaviors := append(t.args.List("defaultCacheBehavior"), t.args.List("orderedCacheBehavior")...)
	for _, b := range behaviors {
		if id := b.String("targetOriginId"); !slices.Contains(origins, id) {
			return refuse("NoSuchOrigin", "One or more of your origins or origin groups do not exist: %s", id)
		}
		for _, f := range b.List("functionAssociation") {
			if !t.hasViewer(f.String("functionArn")) {
				return refuse("InvalidFunctionAssociation", "The function ARN %q does not exist", f.String("functionArn"))
			}
		}
	}
	if acl := t.args.String("webAclId"); acl != "" && (!t.hasACL(acl) || !strings.Contains(acl, ":global/webacl/")) {
		return refuse("InvalidWebACLId", "Web ACL is not accessible by the requester: %s", acl)
	}
	return checkNames(t)
}

// checkNames wants a certificate for names of one's own, and no name that
// another distribution has.
func checkNames(t *tx) error {
	arn, aliases := t.args.String("viewerCertificate.acmCertificateArn"), t.args.Strings("aliases")
	if arn == "" && len(aliases) > 0 {
		return refuse("InvalidViewerCertificate", "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted certificate that validates your authorization to use the domain name.")
	}
	if arn == "" {
		return nil
	}
	c, there := t.certificateIn(arn, "us-east-1")
	if !there || c != nil && t.now < t.issued(c) {
		return refuse("InvalidViewerCertificate", "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid certificate chain.")
	}
	for _, name := range aliases {
		if c != nil && c.args.String("domainName") != name {
			return refuse("InvalidViewerCertificate", "The certificate that is attached to your distribution doesn't cover the alternate domain name (CNAME) that you're trying to add: %s", name)
		}
		for d := range t.each(kindDistribution) {
			if d.args.mentions("aliases", name) {
				return refuse("CNAMEAlreadyExists", "One or more of the CNAMEs you provided are already associated with a different resource: %s", name)
			}
		}
	}
	return nil
}

func (t *tx) hasViewer(arn string) bool {
	for f := range t.each(kindViewer) {
		if f.arn == arn {
			return true
		}
	}
	return false
}
