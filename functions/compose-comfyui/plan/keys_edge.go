package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// The keys of part edge: the load balancer, and CloudFront in front of it.
const (
	LoadBalancer            kit.Key = "edge-load-balancer"
	TargetGroup             kit.Key = "edge-target-group"
	Listener                kit.Key = "edge-listener"
	LoadBalancerOut         kit.Key = "edge-load-balancer-out"
	LoadBalancerOutHealth   kit.Key = "edge-load-balancer-out-health"
	ClusterFromLoadBalancer kit.Key = "edge-cluster-in"
	ClusterFromHealthCheck  kit.Key = "edge-cluster-in-health"
	Distribution            kit.Key = "edge-distribution"
	WebACL                  kit.Key = "edge-web-acl"
	AllowedIPv4             kit.Key = "edge-allowed-ipv4"
	AllowedIPv6             kit.Key = "edge-allowed-ipv6"
	Certificate             kit.Key = "edge-certificate"
	CertificateRecord       kit.Key = "edge-certificate-record"
	CertificateValidation   kit.Key = "edge-certificate-validation"
	RecordIPv4              kit.Key = "edge-record-ipv4"
	RecordIPv6              kit.Key = "edge-record-ipv6"
	familyLoadBalancerIn            = "edge-load-balancer-in-"
	familyVPCOrigin                 = "edge-vpc-origin-"
	familyAttachment                = "edge-attachment-"
)

// LoadBalancerIn lets one source in: a prefix list or a range of addresses.
func LoadBalancerIn(source string) kit.Key { return kit.Key(familyLoadBalancerIn + hash(source, 8)) }

// VPCOrigin is CloudFront's way to the load balancer. AWS cannot change one that
// is in use, so another setting is another origin.
func VPCOrigin(setting string) kit.Key { return kit.Key(familyVPCOrigin + hash(setting, 8)) }

// Attachment puts the nodes of an autoscaling group behind the target group. A
// node group that is replaced has another autoscaling group.
func Attachment(autoscalingGroup string) kit.Key {
	return kit.Key(familyAttachment + hash(autoscalingGroup, 8))
}

// Families that the part looks through for what the spec or AWS has replaced.
const (
	LoadBalancerIns = familyLoadBalancerIn
	VPCOrigins      = familyVPCOrigin
	Attachments     = familyAttachment
)

func edgeKeys() []kit.Key {
	return []kit.Key{
		LoadBalancer, TargetGroup, Listener, LoadBalancerOut, LoadBalancerOutHealth, ClusterFromLoadBalancer, ClusterFromHealthCheck,
		Distribution, WebACL, AllowedIPv4, AllowedIPv6, Certificate, CertificateRecord, CertificateValidation, RecordIPv4, RecordIPv6,
	}
}

func edgeFamilies() []string {
	return []string{familyLoadBalancerIn, familyVPCOrigin, familyAttachment}
}
