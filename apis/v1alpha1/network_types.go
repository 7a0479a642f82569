package v1alpha1

// Egress is how the studio's private subnets reach the internet.
//
// +kubebuilder:validation:Enum=SingleNAT;RegionalNAT
type Egress string

const (
	// EgressSingleNAT is one NAT gateway in one zone: cheapest; if that zone
	// fails, the studio cannot reach the internet.
	EgressSingleNAT Egress = "SingleNAT"
	// EgressRegionalNAT is one regional NAT gateway that spans the zones.
	EgressRegionalNAT Egress = "RegionalNAT"
)

// Network is the studio's own VPC.
type Network struct {
	// The VPC's IPv4 range, /16 to /20, private. Choose one that does not overlap
	// networks you want to connect it with. It cannot be changed.
	// +optional
	// +kubebuilder:default="10.42.0.0/16"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=18
	// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self).ip().family() == 4 && cidr(self).masked() == cidr(self)",message="spec.network.cidr must be an IPv4 range such as 10.42.0.0/16, with no bits set behind the prefix: write the range's first address"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || (cidr(self).prefixLength() >= 16 && cidr(self).prefixLength() <= 20)",message="spec.network.cidr must be /16 to /20: AWS allows no larger VPC, and a smaller one has no room for the studio's subnets"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || cidr(self).ip().family() != 4 || ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].exists(p, cidr(p).containsCIDR(self))",message="spec.network.cidr must lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10: a public range would hide its real owners from the studio"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec.network.cidr cannot be changed, because a VPC keeps its range: make a new ComfyUIStudio with the other range"
	CIDR string `json:"cidr,omitempty"`

	// Availability zones by id (apne1-az4), not by letter: a letter means another
	// zone in each account, an id means the same one everywhere. The first ones
	// hold the cluster's and the load balancer's subnets, all of them hold GPU
	// nodes. Zones can be added at the end; none can be removed or moved. The
	// studio refuses a list that does not begin with the zones that it has, touches
	// nothing, and goes on when the list is put right. Left out, the studio takes the
	// region's zones from its catalogue.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=6
	// +kubebuilder:validation:XValidation:rule="size(self) >= 2",message="spec.network.zoneIDs must hold at least two zones, because EKS and the load balancer need two: add one, or leave the field out"
	// +kubebuilder:validation:XValidation:rule="self.all(z, self.exists_one(y, y == z))",message="spec.network.zoneIDs must name each zone once: remove the duplicate"
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=16
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z]+[0-9]+-az[0-9]+$')",message="spec.network.zoneIDs must be zone ids such as apne1-az4, not zone names such as ap-northeast-1a: see aws ec2 describe-availability-zones"
	ZoneIDs []string `json:"zoneIDs,omitempty"`

	// How the private subnets reach the internet: SingleNAT (one NAT gateway in
	// one zone, cheapest) or RegionalNAT (one that spans the zones). Model and
	// image traffic takes neither; it goes through the S3 gateway endpoint.
	// +optional
	// +kubebuilder:default=SingleNAT
	Egress Egress `json:"egress,omitempty"`
}
