package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ComfyUIStudioStatus is what the studio is. Besides what people ask for, it
// holds the facts that only AWS can tell, so that a studio is composed the same
// while a resource's own status is unreadable.
type ComfyUIStudioStatus struct {
	// Crossplane's own Ready and Synced, and one condition for each part of the
	// studio: NetworkReady, ClusterReady, CapacityReady, StorageReady,
	// ModelSyncReady, ImageReady, WorkloadReady, EdgeReady.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// The studio's address. It is there once somebody can log in under it.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// The Secret in the studio's namespace that holds the password, under the key
	// password, for login Password.
	// +optional
	LoginSecretRef *SecretRef `json:"loginSecretRef,omitempty"`

	// The id of the AWS account that the studio is in.
	// +optional
	// +kubebuilder:validation:MaxLength=12
	Account string `json:"account,omitempty"`

	// Ready servers and the most that may run, over all pools, such as 1/3.
	// Programs read pools instead.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Servers string `json:"servers,omitempty"`

	// The EKS cluster.
	// +optional
	Cluster *ClusterStatus `json:"cluster,omitempty"`

	// The studio's buckets.
	// +optional
	Buckets *BucketsStatus `json:"buckets,omitempty"`

	// The image of the ComfyUI servers.
	// +optional
	Image *ImageStatus `json:"image,omitempty"`

	// The declared models.
	// +optional
	Models *ModelsStatus `json:"models,omitempty"`

	// The pools, in the order of spec.pools.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Pools []PoolStatus `json:"pools,omitempty"`

	// The network.
	// +optional
	Network *NetworkStatus `json:"network,omitempty"`

	// The load balancer and, with spec.access.cdn, CloudFront before it.
	// +optional
	Edge *EdgeStatus `json:"edge,omitempty"`

	// How many resources the studio is made of.
	// +optional
	Resources *ResourcesStatus `json:"resources,omitempty"`

	// What the studio costs, estimated from list prices.
	// +optional
	Cost *CostStatus `json:"cost,omitempty"`
}

// ClusterStatus is the EKS cluster. Reach it with
// aws eks update-kubeconfig --name NAME --region REGION.
type ClusterStatus struct {
	// The cluster's name in EKS.
	// +optional
	// +kubebuilder:validation:MaxLength=100
	Name string `json:"name,omitempty"`

	// The URL of the cluster's API server.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Endpoint string `json:"endpoint,omitempty"`

	// The Kubernetes version that runs.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Version string `json:"version,omitempty"`

	// The id of the security group that EKS made for the cluster and its nodes.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SecurityGroupID string `json:"securityGroupID,omitempty"`
}

// BucketsStatus names the studio's buckets, made or adopted.
type BucketsStatus struct {
	// The bucket that is mirrored to the GPU nodes. Put models here.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Models string `json:"models,omitempty"`

	// The bucket that holds results.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Outputs string `json:"outputs,omitempty"`

	// The bucket that holds uploads.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Inputs string `json:"inputs,omitempty"`
}

// ImageState is how far the image is.
//
// +kubebuilder:validation:Enum=Pending;Building;Ready;Failed
type ImageState string

const (
	// ImageStatePending means that the build has not begun.
	ImageStatePending ImageState = "Pending"
	// ImageStateBuilding means that the image is being built. A previous image
	// keeps running.
	ImageStateBuilding ImageState = "Building"
	// ImageStateReady means that the image can be pulled.
	ImageStateReady ImageState = "Ready"
	// ImageStateFailed means that the build failed. A previous image keeps running.
	ImageStateFailed ImageState = "Failed"
)

// ImageStatus is the image of the ComfyUI servers.
type ImageStatus struct {
	// The image that servers run, without its digest.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	URI string `json:"uri,omitempty"`

	// The digest that servers run, sha256: and 64 hexadecimal digits.
	// +optional
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`

	// How far the image that the spec asks for is: Pending, Building, Ready or
	// Failed.
	// +optional
	State ImageState `json:"state,omitempty"`

	// Why the state is what it is; for a failed build, its last words and where its
	// log is.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Reason string `json:"reason,omitempty"`

	// A rebuild that is ready and not in use: put it into spec.image.rebuild.use, and
	// servers change over to it.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Rebuilt string `json:"rebuilt,omitempty"`

	// The studio's own software that is in the account, which its nodes and servers
	// run beside ComfyUI.
	// +optional
	Agent *AgentStatus `json:"agent,omitempty"`
}

// AgentStatus is the studio-agent image that was copied into the account.
type AgentStatus struct {
	// The image's digest, sha256: and 64 hexadecimal digits.
	// +optional
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`

	// The SHA-256 of the daemon that keeps the models of every node in step with
	// the bucket.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	NodeDaemonSHA256 string `json:"nodeDaemonSHA256,omitempty"`

	// The SHA-256 of the code that tells nodes of changes in the bucket.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	LambdaSHA256 string `json:"lambdaSHA256,omitempty"`

	// The SHA-256 of the program that fetches declared models.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	ModelFetcherSHA256 string `json:"modelFetcherSHA256,omitempty"`
}

// ModelsStatus is how many of the declared models are in the bucket.
type ModelsStatus struct {
	// How many models spec.models.files declares.
	Declared int32 `json:"declared"`

	// How many of them are in the bucket.
	Present int32 `json:"present"`

	// Those that could not be fetched, the first 16 by path.
	// +optional
	// +listType=map
	// +listMapKey=path
	// +kubebuilder:validation:MaxItems=16
	Failed []ModelFailure `json:"failed,omitempty"`
}

// A ModelFailure is a declared model that could not be fetched.
type ModelFailure struct {
	// The model's path, as in spec.models.files.
	// +kubebuilder:validation:MaxLength=512
	Path string `json:"path"`

	// Why, in words.
	// +kubebuilder:validation:MaxLength=1024
	Reason string `json:"reason"`
}

// PoolStatus is a pool as it runs.
type PoolStatus struct {
	// The pool's name, as in spec.pools.
	// +kubebuilder:validation:MaxLength=32
	Name string `json:"name"`

	// GPU nodes that are there.
	Nodes int32 `json:"nodes"`

	// ComfyUI servers that shall run now: 0 while the pool is asleep.
	// +optional
	Servers int32 `json:"servers,omitempty"`

	// ComfyUI servers that take prompts.
	ServersReady int32 `json:"serversReady"`

	// Whether a server of the pool has taken prompts once. Until each pool has shown
	// one the studio is not Ready; afterwards pools may sleep.
	// +optional
	Started bool `json:"started,omitempty"`

	// Prompts that wait, rounded down to 0, 1, 2, 5, 10, 20, 50 and so on, so that
	// the object does not change with every prompt; the exact number is a metric.
	Queue int32 `json:"queue"`
}

// NetworkStatus is the studio's network.
type NetworkStatus struct {
	// The VPC's id.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	VPCID string `json:"vpcID,omitempty"`

	// The ids of the availability zones that the studio has subnets in, those of
	// the cluster and the load balancer first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=6
	// +kubebuilder:validation:items:MaxLength=16
	ZoneIDs []string `json:"zoneIDs,omitempty"`

	// The ids of the private subnets, in the order of zoneIDs.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=6
	// +kubebuilder:validation:items:MaxLength=64
	PrivateSubnetIDs []string `json:"privateSubnetIDs,omitempty"`

	// The address that the studio's servers have when they call the internet, for
	// allow lists elsewhere.
	// +optional
	// +kubebuilder:validation:MaxLength=45
	EgressIP string `json:"egressIP,omitempty"`
}

// EdgeStatus is the load balancer and CloudFront.
type EdgeStatus struct {
	// The internal load balancer's ARN.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	LoadBalancerARN string `json:"loadBalancerARN,omitempty"`

	// The internal load balancer's DNS name.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	LoadBalancerDNSName string `json:"loadBalancerDNSName,omitempty"`

	// The id of the hosted zone of the load balancer's DNS name, for an alias
	// record of your own.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	LoadBalancerZoneID string `json:"loadBalancerZoneID,omitempty"`

	// The ARN of the load balancer's target group.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	TargetGroupARN string `json:"targetGroupARN,omitempty"`

	// The autoscaling group of the system nodes, which the load balancer sends
	// viewers to.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	AutoscalingGroup string `json:"autoscalingGroup,omitempty"`

	// The id of CloudFront's VPC origin.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	VPCOriginID string `json:"vpcOriginID,omitempty"`

	// The id of the CloudFront distribution.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	DistributionID string `json:"distributionID,omitempty"`

	// The CloudFront distribution's own domain name.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	DistributionDomainName string `json:"distributionDomainName,omitempty"`

	// The ARN of the AWS WAF web ACL that lets spec.access.allowedCIDRs in.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	WebACLARN string `json:"webACLARN,omitempty"`

	// The ARN of the web ACL's set of IPv4 ranges.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	AllowedIPv4ARN string `json:"allowedIPv4ARN,omitempty"`

	// The ARN of the web ACL's set of IPv6 ranges.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	AllowedIPv6ARN string `json:"allowedIPv6ARN,omitempty"`

	// The domain name of your own that is served.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	DomainName string `json:"domainName,omitempty"`

	// The ARN of the certificate that is served with it.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	CertificateARN string `json:"certificateARN,omitempty"`

	// The certificate that the studio ordered.
	// +optional
	Certificate *CertificateStatus `json:"certificate,omitempty"`
}

// CertificateStatus is a certificate that the studio ordered, and the DNS record
// that proves the name.
type CertificateStatus struct {
	// The certificate's ARN.
	// +kubebuilder:validation:MaxLength=256
	ARN string `json:"arn"`

	// The domain name that the certificate is for.
	// +kubebuilder:validation:MaxLength=253
	DomainName string `json:"domainName"`

	// The name of the CNAME record that proves the domain name.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	RecordName string `json:"recordName,omitempty"`

	// The value of that record.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	RecordValue string `json:"recordValue,omitempty"`
}

// ResourcesStatus counts the resources that the studio is made of.
type ResourcesStatus struct {
	// Resources that the studio needs, including those that still wait for others.
	Total int32 `json:"total"`

	// Resources that are ready.
	Ready int32 `json:"ready"`
}

// CostStatus is what the studio costs in US dollars per hour, estimated from the
// studio's spec and the list prices of us-east-1, which most other regions exceed:
// not from usage, without traffic, requests and storage, and spot instances at the
// price of on-demand ones. The amounts are text such as "1.28": they are rounded
// once and read by people, and a floating point number would be written
// differently by different programs and so change the object for no reason.
type CostStatus struct {
	// With every pool's servers.min servers awake.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	HourlyUSD string `json:"hourlyUSD,omitempty"`

	// With every GPU server asleep.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	IdleHourlyUSD string `json:"idleHourlyUSD,omitempty"`
}
