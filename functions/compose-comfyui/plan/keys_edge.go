package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// The keys of part edge: the load balancer, and CloudFront in front of it.
const (
	LoadBalancer            kit.Key = "edge-load-balancer"
	TargetGroup             kit.Key = "edge-target-group"
	Listener                kit.Key = "edge-listener"
	SecureListener          kit.Key = "edge-listener-https"
	LoadBalancerOut         kit.Key = "edge-load-balancer-out"
	LoadBalancerOutHealth   kit.Key = "edge-load-balancer-out-health"
	ClusterFromLoadBalancer kit.Key = "edge-cluster-in"
	ClusterFromHealthCheck  kit.Key = "edge-cluster-in-health"
	Distribution            kit.Key = "edge-distribution"
	WebACL                  kit.Key = "edge-web-acl"
	AllowedIPv4             kit.Key = "edge-allowed-ipv4"
	AllowedIPv6             kit.Key = "edge-allowed-ipv6"

	familyLoadBalancerIn        = "edge-load-balancer-in-"
	familyVPCOrigin             = "edge-vpc-origin-"
	familyAttachment            = "edge-attachment-"
	familyCertificate           = "edge-certificate-"
	familyCertificateRecord     = "edge-certificate-record-"
	familyCertificateValidation = "edge-certificate-validation-"
	familyRecordIPv4            = "edge-record-ipv4-"
	familyRecordIPv6            = "edge-record-ipv6-"
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

// Certificate is the certificate that the studio orders for a name in a region.
// ACM changes neither.
func Certificate(name, region string) kit.Key {
	return kit.Key(familyCertificate + hash(name+" "+region, 8))
}

// CertificateRecord proves in DNS that the name is ours, CertificateValidation
// waits until ACM has seen it.
func CertificateRecord(name, region string) kit.Key {
	return kit.Key(familyCertificateRecord + hash(name+" "+region, 8))
}

// CertificateValidation is ready when the certificate is issued.
func CertificateValidation(name, region string) kit.Key {
	return kit.Key(familyCertificateValidation + hash(name+" "+region, 8))
}

// RecordIPv4 and RecordIPv6 point a name at the studio. DNS has no renaming.
func RecordIPv4(name, zone string) kit.Key {
	return kit.Key(familyRecordIPv4 + hash(name+" "+zone, 8))
}

// RecordIPv6 is RecordIPv4 for the other protocol.
func RecordIPv6(name, zone string) kit.Key {
	return kit.Key(familyRecordIPv6 + hash(name+" "+zone, 8))
}

// Families that the part looks through for what the spec or AWS has replaced.
const (
	LoadBalancerIns        = familyLoadBalancerIn
	VPCOrigins             = familyVPCOrigin
	Attachments            = familyAttachment
	CertificateRecords     = familyCertificateRecord
	CertificateValidations = familyCertificateValidation
	RecordsIPv4            = familyRecordIPv4
	RecordsIPv6            = familyRecordIPv6
)

// Certificates are those of the given keys that are certificates themselves: the
// keys of what belongs to one begin alike.
func Certificates(observed []kit.Key) []kit.Key {
	var out []kit.Key

	for _, k := range observed {
		if family(k) == familyCertificate {
			out = append(out, k)
		}
	}

	return out
}

func edgeKeys() []kit.Key {
	return []kit.Key{
		LoadBalancer, TargetGroup, Listener, SecureListener, LoadBalancerOut, LoadBalancerOutHealth, ClusterFromLoadBalancer, ClusterFromHealthCheck,
		Distribution, WebACL, AllowedIPv4, AllowedIPv6,
	}
}

func edgeFamilies() []string {
	return []string{
		familyLoadBalancerIn, familyVPCOrigin, familyAttachment,
		familyCertificate, familyCertificateRecord, familyCertificateValidation, familyRecordIPv4, familyRecordIPv6,
	}
}
