package v1alpha1

// KubernetesVersion is a minor version of Kubernetes that the studio was tested
// with and that EKS has in standard support.
//
// +kubebuilder:validation:Enum="1.35";"1.36"
// +kubebuilder:validation:MaxLength=8
type KubernetesVersion string

// Kubernetes is the EKS cluster that everything runs on.
type Kubernetes struct {
	// The cluster's minor version. EKS cannot go back and cannot skip one: it may
	// only go up, one minor version at a time. Nodes and add-ons follow.
	// +optional
	// +kubebuilder:default="1.35"
	// +kubebuilder:validation:XValidation:rule="int(self.split('.')[1]) >= int(oldSelf.split('.')[1])",message="spec.kubernetes.version cannot go down, because EKS cannot downgrade a cluster: set it back to the version that runs"
	// +kubebuilder:validation:XValidation:rule="int(self.split('.')[1]) <= int(oldSelf.split('.')[1]) + 1",message="spec.kubernetes.version goes up one minor version at a time, because EKS upgrades so: set the next minor version, wait for ClusterReady, then go on"
	Version KubernetesVersion `json:"version,omitempty"`

	// ARNs of IAM roles and users who get cluster admin through an access entry.
	// Whoever Crossplane works as is admin in any case.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^ *]+$')",message="spec.kubernetes.adminPrincipals must be ARNs of IAM roles or users, such as arn:aws:iam::111122223333:role/admins: for an assumed role or SSO session give the role behind it"
	AdminPrincipals []string `json:"adminPrincipals,omitempty"`

	// IPv4 ranges from which the cluster's API endpoint can be reached. IAM
	// authenticates every call in any case. The list must hold the address that
	// the management cluster leaves by, or Crossplane can no longer reach the
	// studio's cluster.
	// +optional
	// +listType=set
	// +kubebuilder:default={"0.0.0.0/0"}
	// +kubebuilder:validation:MaxItems=40
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="spec.kubernetes.apiAllowedCIDRs must hold at least the range that the management cluster leaves by: add it, or leave the field out for 0.0.0.0/0"
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=18
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self) && cidr(self).ip().family() == 4 && cidr(self).masked() == cidr(self)",message="spec.kubernetes.apiAllowedCIDRs must be IPv4 ranges such as 203.0.113.0/24, with no bits set behind the prefix: a single address ends in /32"
	// +kubebuilder:validation:items:XValidation:rule="!isCIDR(self) || !['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].exists(p, cidr(p).containsCIDR(self))",message="spec.kubernetes.apiAllowedCIDRs must be public ranges, because EKS checks the address that arrives over the internet: give the public address of the NAT or VPN"
	APIAllowedCIDRs []string `json:"apiAllowedCIDRs,omitempty"`
}
