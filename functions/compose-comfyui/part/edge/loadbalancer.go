package edge

import (
	"strconv"

	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	autoscaling "github.com/upbound/provider-aws/v2/apis/namespaced/autoscaling/v1beta1"
	elbv2 "github.com/upbound/provider-aws/v2/apis/namespaced/elbv2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func loadBalancer(p plan.Plan, d *kit.Desired) {
	var subnets []kit.Key
	for _, z := range p.Network.ClusterZones() {
		subnets = append(subnets, plan.PrivateSubnet(z.ID))
	}

	d.Add(plan.LoadBalancer, &elbv2.LB{Spec: elbv2.LBSpec{ForProvider: elbv2.LBParameters{
		Name:              new(p.LoadBalancerName()),
		Internal:          new(true),
		LoadBalancerType:  new("application"),
		SecurityGroupRefs: d.Refs(plan.ALBSecurityGroup),
		SubnetRefs:        d.Refs(subnets...),
		// The most there is. The progress of a prompt comes over a websocket that is
		// silent while a model loads; the default of 60 seconds cuts it.
		IdleTimeout: new(4000.0),
		// Custom nodes are free to send what they like to their own routes.
		DropInvalidHeaderFields: new(false),
		// It would keep the whole studio from going away.
		EnableDeletionProtection: new(false),
	}}})
}

// targets are the system nodes: each has a front door behind a node port, and
// traffic stays on the node that it came to.
func targets(p plan.Plan, f facts.Edge, d *kit.Desired) {
	d.Add(plan.TargetGroup, &elbv2.LBTargetGroup{Spec: elbv2.LBTargetGroupSpec{ForProvider: elbv2.LBTargetGroupParameters{
		Name:       new(p.LoadBalancerName()),
		TargetType: new("instance"),
		Protocol:   new("HTTP"),
		Port:       new(float64(plan.TrafficNodePort)),
		VPCIDRef:   d.Ref(plan.VPC),
		// A node that is replaced drains; a websocket that is cut connects again.
		DeregistrationDelay: new("30"),
		HealthCheck: &elbv2.HealthCheckParameters{
			Path:     new("/healthz"),
			Port:     new(strconv.Itoa(plan.HealthNodePort)),
			Protocol: new("HTTP"),
			Matcher:  new("200"),
			// A node without a front door is out after ten seconds.
			Interval:           new(5.0),
			Timeout:            new(4.0),
			HealthyThreshold:   new(2.0),
			UnhealthyThreshold: new(2.0),
		},
	}}})

	g := kit.All(kit.After(plan.SystemNodes), kit.Needs(f.AutoscalingGroup, "the autoscaling group of the system nodes"))
	d.AddWhen(g, f.Attachment, &autoscaling.Attachment{Spec: autoscaling.AttachmentSpec{ForProvider: autoscaling.AttachmentParameters{
		AutoscalingGroupName: &f.AutoscalingGroup,
		LBTargetGroupArnRef:  d.Ref(plan.TargetGroup),
	}}})

	// An autoscaling group that is gone has taken its attachment along.
	for _, k := range d.Observed().Family(plan.Attachments) {
		if k != f.Attachment {
			d.RemoveAfter(k)
		}
	}
}

// listeners let viewers in: over HTTP where CloudFront stands before the load
// balancer (it speaks HTTPS to viewers, and reaches the load balancer on AWS's
// own network) or where there is no name that a certificate could be for, else
// over HTTPS.
func listeners(p plan.Plan, f facts.Edge, d *kit.Desired) {
	action := forward(f)
	if f.Redirect {
		action = elbv2.DefaultActionParameters{
			Index: new("0"),
			Type:  new("redirect"),
			Redirect: &elbv2.RedirectParameters{
				Protocol:   new("HTTPS"),
				Port:       new(strconv.Itoa(plan.HTTPSPort)),
				StatusCode: new("HTTP_301"),
			},
		}
	}

	// The target group is a literal, though there is a reference for it: when the
	// action becomes the other kind, a resolved reference would stay behind in it,
	// and a redirect with a target group is refused.
	g := kit.All(kit.After(plan.TargetGroup), kit.Needs(f.TargetGroupARN, "the target group's ARN"))

	d.AddWhen(g, plan.Listener, &elbv2.LBListener{Spec: elbv2.LBListenerSpec{ForProvider: elbv2.LBListenerParameters{
		LoadBalancerArnRef: ofNow(d, plan.LoadBalancer),
		Port:               new(float64(plan.HTTPPort)),
		Protocol:           new("HTTP"),
		DefaultAction:      []elbv2.DefaultActionParameters{action},
	}}})

	if p.BehindCloudFront() || p.DomainName() == "" {
		// Viewers who come this way go on doing so until there is another one.
		leave(p, f, d, plan.SecureListener)
		return
	}

	d.AddWhen(kit.All(g, issued(p), kit.Needs(f.Served.CertificateARN, "the certificate")), plan.SecureListener,
		&elbv2.LBListener{Spec: elbv2.LBListenerSpec{ForProvider: elbv2.LBListenerParameters{
			LoadBalancerArnRef: ofNow(d, plan.LoadBalancer),
			Port:               new(float64(plan.HTTPSPort)),
			Protocol:           new("HTTPS"),
			CertificateArn:     &f.Served.CertificateARN,
			// The default takes TLS 1.0.
			SSLPolicy:     new("ELBSecurityPolicy-TLS13-1-2-2021-06"),
			DefaultAction: []elbv2.DefaultActionParameters{forward(f)},
		}}})
}

// ofNow is a reference that is resolved anew each time: a load balancer that
// somebody deleted comes back under another ARN, and without its listeners.
func ofNow(d *kit.Desired, k kit.Key) *xpv1.NamespacedReference {
	ref := d.Ref(k)
	ref.Policy = &xpv1.Policy{Resolve: new(xpv1.ResolvePolicyAlways)}

	return ref
}

func forward(f facts.Edge) elbv2.DefaultActionParameters {
	return elbv2.DefaultActionParameters{Index: new("0"), Type: new("forward"), TargetGroupArn: &f.TargetGroupARN}
}

// leave lets go of what viewers came by, once there is another way.
func leave(p plan.Plan, f facts.Edge, d *kit.Desired, k kit.Key) {
	switch {
	case p.BehindCloudFront() && f.DistributionDomainName == "":
		d.RemoveAfter(k, plan.LoadBalancer)
	case p.BehindCloudFront():
		d.RemoveAfter(k)
	default:
		d.RemoveAfter(k, plan.Distribution)
	}
}
