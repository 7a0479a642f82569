// Package edge composes how viewers reach the studio: an internal load balancer
// before the system nodes, where the front door is, and CloudFront before that.
//
// The load balancer waits for the network alone, because CloudFront's way to it,
// the VPC origin, is the longest step of a studio: it begins in the second
// minute. Rules towards the cluster wait for the cluster's security group, the
// attachment for the system nodes, the distribution for the studio's secret.
//
// What AWS changes only by replacing it (VPC origin, certificate, attachment,
// record) is a family whose keys are named by what it is made from: the new one
// comes first, viewers are moved, the one before leaves.
package edge

import (
	acm "github.com/upbound/provider-aws/v2/apis/namespaced/acm/v1beta1"
	autoscaling "github.com/upbound/provider-aws/v2/apis/namespaced/autoscaling/v1beta1"
	cloudfront "github.com/upbound/provider-aws/v2/apis/namespaced/cloudfront/v1beta1"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"
	elbv2 "github.com/upbound/provider-aws/v2/apis/namespaced/elbv2/v1beta1"
	route53 "github.com/upbound/provider-aws/v2/apis/namespaced/route53/v1beta1"
	wafv2 "github.com/upbound/provider-aws/v2/apis/namespaced/wafv2/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(acm.AddToScheme)
	kit.Register(autoscaling.AddToScheme)
	kit.Register(cloudfront.AddToScheme)
	kit.Register(ec2.AddToScheme)
	kit.Register(elbv2.AddToScheme)
	kit.Register(route53.AddToScheme)
	kit.Register(wafv2.AddToScheme)
}

// Compose adds the edge.
func Compose(p plan.Plan, f facts.Facts, d *kit.Desired) {
	loadBalancer(p, d)
	targets(p, f.Edge, d)
	listeners(p, f.Edge, d)
	sources(p, f.Edge, d)
	pathToNodes(f, d)
	vpcOrigin(p, f.Edge, d)
	distribution(p, f, d)
	firewall(p, f.Edge, d)
	certificate(p, f.Edge, d)
	records(p, f.Edge, d)
	deletionOrder(p, f.Edge, d)
}

// deletionOrder is distribution, VPC origin, listeners, load balancer, target
// group, and then what they stand in. AWS refuses every other order.
func deletionOrder(p plan.Plan, f facts.Edge, d *kit.Desired) {
	d.Use(f.WantedVPCOrigin, plan.Distribution)
	d.Use(plan.LoadBalancer, f.WantedVPCOrigin)
	// A VPC origin wants the gateway to be there as long as it is.
	d.Use(plan.InternetGateway, f.WantedVPCOrigin)

	for _, listener := range []kit.Key{plan.Listener, plan.SecureListener} {
		d.Use(plan.LoadBalancer, listener)
		d.Use(plan.TargetGroup, listener)
	}

	d.Use(plan.TargetGroup, f.Attachment)
	// With its autoscaling group gone an attachment cannot be taken off it.
	d.Use(plan.SystemNodes, f.Attachment)

	// A security group stays while a rule of another one names it.
	for _, rule := range []kit.Key{plan.LoadBalancerOut, plan.LoadBalancerOutHealth} {
		d.Use(plan.Cluster, rule)
	}

	for _, rule := range []kit.Key{plan.ClusterFromLoadBalancer, plan.ClusterFromHealthCheck} {
		d.Use(plan.ALBSecurityGroup, rule)
	}

	// The load balancer's interfaces hold what they are in. It goes late, behind
	// CloudFront: without these the provider would try and wait for half an hour.
	d.Use(plan.ALBSecurityGroup, plan.LoadBalancer)
	d.Use(plan.VPC, plan.LoadBalancer)

	for _, z := range p.Network.ClusterZones() {
		d.Use(plan.PrivateSubnet(z.ID), plan.LoadBalancer)
	}

	d.Use(plan.WebACL, plan.Distribution)
	d.Use(plan.AllowedIPv4, plan.WebACL)
	d.Use(plan.AllowedIPv6, plan.WebACL)

	if p.OrdersCertificate() {
		ordered := plan.Certificate(p.DomainName(), p.CertificateRegion())
		d.Use(ordered, plan.Distribution)
		d.Use(ordered, plan.SecureListener)
	}
}
