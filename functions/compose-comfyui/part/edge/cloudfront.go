package edge

import (
	cloudfront "github.com/upbound/provider-aws/v2/apis/namespaced/cloudfront/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
)

const (
	// The ids of two policies that AWS manages (Amazon CloudFront developer guide,
	// "Use managed cache policies" and "Use managed origin request policies").
	cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	allViewer       = "216adef6-5c7f-47e4-b989-5492eafa07d3"

	// originID names the one origin within the distribution.
	originID = "studio"
)

// vpcOrigin is CloudFront's way to the internal load balancer.
func vpcOrigin(p plan.Plan, f facts.Edge, d *kit.Desired) {
	if p.BehindCloudFront() {
		g := kit.All(kit.After(plan.InternetGateway), kit.Needs(f.LoadBalancerARN, "the load balancer's ARN"))
		d.AddWhen(g, f.WantedVPCOrigin, &cloudfront.VPCOrigin{Spec: cloudfront.VPCOriginSpec{ForProvider: cloudfront.VPCOriginParameters{
			VPCOriginEndpointConfig: &cloudfront.VPCOriginEndpointConfigParameters{
				Name:   new(p.VPCOriginName(f.WantedVPCOrigin)),
				ArnRef: d.Ref(plan.LoadBalancer),
				// The way is AWS's own network.
				OriginProtocolPolicy: new("http-only"),
				HTTPPort:             new(float64(plan.HTTPPort)),
				// Asked for, though unused.
				HTTPSPort:          new(float64(plan.HTTPSPort)),
				OriginSSLProtocols: &cloudfront.OriginSSLProtocolsParameters{Items: kit.List("TLSv1.2"), Quantity: new(1.0)},
			},
		}}})
	}

	for _, k := range d.Observed().Family(plan.VPCOrigins) {
		switch {
		case k == f.WantedVPCOrigin:
		case f.VPCOriginMoved:
			d.RemoveAfter(k)
		default:
			d.RemoveAfter(k, plan.Distribution)
		}
	}
}

// distribution is what viewers reach. It is accepted within seconds and then
// spreads for minutes: nothing waits for that.
func distribution(p plan.Plan, f facts.Facts, d *kit.Desired) {
	if !p.BehindCloudFront() {
		d.RemoveAfter(plan.Distribution)
		return
	}

	gates := []kit.Gate{
		kit.After(f.Edge.VPCOrigin),
		kit.Needs(f.Edge.VPCOriginID, "the VPC origin's id"),
		kit.Needs(f.Edge.LoadBalancerDNSName, "the load balancer's DNS name"),
		kit.Needs(f.Workload.Seed, "the studio's secret"),
	}

	// Nobody is let in before the firewall stands. One that is added to a running
	// studio does not take it away from its viewers, who still meet the front door.
	if p.Firewalled() && !f.Edge.WebACLComing {
		gates = append(gates, kit.After(plan.WebACL), kit.Needs(f.Edge.WebACLARN, "the web ACL's ARN"))
	}

	parameters := cloudfront.DistributionParameters{
		Comment:       new("ComfyUI studio " + p.StudioTag()),
		Enabled:       new(true),
		HTTPVersion:   new("http2and3"),
		IsIPv6Enabled: new(p.ServesIPv6()),
		// The edge locations nearest to the viewers, wherever they are: the studio's
		// region says nothing of that.
		PriceClass:           new("PriceClass_All"),
		WaitForDeployment:    new(false),
		Origin:               []cloudfront.OriginParameters{origin(f)},
		DefaultCacheBehavior: behavior(),
		CustomErrorResponse:  errorsUncached(),
		Restrictions:         &cloudfront.RestrictionsParameters{GeoRestriction: &cloudfront.GeoRestrictionParameters{RestrictionType: new("none")}},
		ViewerCertificate:    &cloudfront.ViewerCertificateParameters{CloudfrontDefaultCertificate: new(true)},
	}

	if p.Firewalled() {
		parameters.WebACLID = optional(f.Edge.WebACLARN)
	}

	if s := f.Edge.Served; s.CertificateARN != "" {
		parameters.Aliases = kit.List(s.DomainName)
		parameters.ViewerCertificate = &cloudfront.ViewerCertificateParameters{
			AcmCertificateArn:      &s.CertificateARN,
			SSLSupportMethod:       new("sni-only"),
			MinimumProtocolVersion: new("TLSv1.2_2021"),
		}
	}

	d.AddWhen(kit.All(gates...), plan.Distribution, &cloudfront.Distribution{Spec: cloudfront.DistributionSpec{ForProvider: parameters}})
}

// origin holds literals alone: it is in a list, in which a reference that is
// resolved and the next apply undo each other for ever.
func origin(f facts.Facts) cloudfront.OriginParameters {
	return cloudfront.OriginParameters{
		OriginID:   new(originID),
		DomainName: &f.Edge.LoadBalancerDNSName,
		// The front door answers nobody who comes past CloudFront.
		CustomHeader: []cloudfront.CustomHeaderParameters{{Name: new(plan.OriginHeader), Value: new(secrets.Origin(f.Workload.Seed))}},
		VPCOriginConfig: &cloudfront.VPCOriginConfigParameters{
			VPCOriginID: &f.Edge.VPCOriginID,
			// Every answer begins at once: prompts are queued, and their progress comes
			// over a websocket, for which CloudFront has a limit of its own.
			OriginReadTimeout:      new(60.0),
			OriginKeepaliveTimeout: new(60.0),
		},
	}
}

// behavior caches nothing, the frontend's files neither: who is not logged in is
// sent to the login page under any path, and a cache would hand that answer, or
// a file, on to others. A cache that knows of logins would have to ask the front
// door anyway. AllViewer carries what a websocket's upgrade needs, the cookies,
// and the name that viewers use.
func behavior() *cloudfront.DefaultCacheBehaviorParameters {
	return &cloudfront.DefaultCacheBehaviorParameters{
		TargetOriginID:        new(originID),
		ViewerProtocolPolicy:  new("redirect-to-https"),
		AllowedMethods:        kit.List("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"),
		CachedMethods:         kit.List("GET", "HEAD"),
		CachePolicyID:         new(cachingDisabled),
		OriginRequestPolicyID: new(allViewer),
		// It costs nothing and the frontend is megabytes of text.
		Compress: new(true),
	}
}

// errorsUncached has CloudFront forget every error at once. Left out, a studio
// that wakes up looks asleep for ten seconds more.
func errorsUncached() []cloudfront.CustomErrorResponseParameters {
	var out []cloudfront.CustomErrorResponseParameters
	// All that CloudFront can be told about ("How CloudFront processes HTTP 4xx
	// and 5xx status codes").
	for _, code := range []float64{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} {
		out = append(out, cloudfront.CustomErrorResponseParameters{ErrorCode: &code, ErrorCachingMinTTL: new(0.0)})
	}

	return out
}
