package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A ComfyUIStudio is a ComfyUI studio on AWS: a network, an EKS cluster with
// GPU nodes that come and go, buckets for models, inputs and outputs, the
// ComfyUI servers, and a front door with a login. One object is one studio in
// one region; deleting it takes the studio away again, except the buckets that
// are retained.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=studio;studios,categories=comfyui
// +kubebuilder:printcolumn:name="Region",type="string",JSONPath=".spec.region"
// +kubebuilder:printcolumn:name="Servers",type="string",JSONPath=".status.servers"
// +kubebuilder:printcolumn:name="URL",type="string",JSONPath=".status.url"
// +kubebuilder:printcolumn:name="USD/h",type="string",JSONPath=".status.cost.hourlyUSD"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name begins with a letter and holds only a-z, 0-9 and '-', because AWS resources are named after it: leave out dots and leading digits"
type ComfyUIStudio struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What the studio shall be.
	Spec ComfyUIStudioSpec `json:"spec"`

	// What the studio is.
	// +optional
	Status ComfyUIStudioStatus `json:"status,omitempty"`
}

// ComfyUIStudioList is a list of studios.
//
// +kubebuilder:object:root=true
type ComfyUIStudioList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ComfyUIStudio `json:"items"`
}

// ComfyUIStudioSpec is what the studio shall be. Only region must be given.
//
// +kubebuilder:validation:XValidation:rule="!has(self.access.domain) || !has(self.access.domain.certificateARN) || !self.access.cdn || !self.access.domain.certificateARN.startsWith('arn:') || self.access.domain.certificateARN.contains(':acm:us-east-1:')",message="spec.access.domain.certificateARN must be a certificate in us-east-1 while spec.access.cdn is true, because CloudFront takes certificates from there only: give the ARN of one"
// +kubebuilder:validation:XValidation:rule="!has(self.access.domain) || !has(self.access.domain.certificateARN) || self.access.cdn || !self.access.domain.certificateARN.startsWith('arn:') || self.access.domain.certificateARN.contains(':acm:' + self.region + ':')",message="spec.access.domain.certificateARN must be a certificate in spec.region while spec.access.cdn is false, because the load balancer serves it: give the ARN of one"
// +kubebuilder:validation:XValidation:rule="!has(self.models.bucketName) || !has(self.outputs.bucketName) || self.models.bucketName != self.outputs.bucketName",message="spec.models.bucketName and spec.outputs.bucketName must be two buckets: models are mirrored to every GPU node and outputs must not be, so name another one"
type ComfyUIStudioSpec struct {
	// The AWS region the studio runs in, by code. Every resource of the studio is
	// made there. A studio cannot move: make a new one and let it adopt the
	// buckets. A region that the studio's catalogue does not know is refused with
	// the list of those it knows.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]{2}(-[a-z]+)+-[0-9]$')",message="spec.region must be a region code such as ap-northeast-1: leave out the zone letter and the region's long name"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec.region cannot be changed, because a studio cannot move: make a new ComfyUIStudio in the other region"
	// +kubebuilder:example="ap-northeast-1"
	Region string `json:"region"`

	// The Crossplane provider configuration that says which AWS account and role
	// make the studio. It is put on every managed resource and cannot be changed,
	// since a change would look for all of them in another account.
	// +optional
	// +kubebuilder:default={}
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec.providerConfigRef cannot be changed, because the studio's resources stay in the account they were made in: make a new ComfyUIStudio instead"
	ProviderConfigRef ProviderConfigRef `json:"providerConfigRef,omitempty"`

	// The EKS cluster that everything runs on.
	// +optional
	// +kubebuilder:default={}
	Kubernetes Kubernetes `json:"kubernetes,omitempty"`

	// The studio's own VPC.
	// +optional
	// +kubebuilder:default={}
	Network Network `json:"network,omitempty"`

	// The studio's GPU profiles, each with its own instance types, limits and
	// ComfyUI servers. A pool's name is its identity: to rename one is to remove
	// it and to add another.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:default={{name: "default", maxGPUs: 4, servers: {min: 1, max: 1}}}
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="spec.pools must hold at least one pool: leave the field out to get the one named default"
	Pools []Pool `json:"pools,omitempty"`

	// The models that ComfyUI can load: a bucket that is mirrored to every GPU
	// node, and files that the studio itself puts there.
	// +optional
	// +kubebuilder:default={}
	Models Models `json:"models,omitempty"`

	// Where ComfyUI's results are kept.
	// +optional
	// +kubebuilder:default={}
	Outputs Outputs `json:"outputs,omitempty"`

	// Where the files are kept that people upload for their workflows.
	// +optional
	// +kubebuilder:default={}
	Inputs Inputs `json:"inputs,omitempty"`

	// The container image of the ComfyUI servers: built in the studio's account
	// from what is pinned here, or a ready one.
	// +optional
	// +kubebuilder:default={}
	Image Image `json:"image,omitempty"`

	// Who reaches the studio, under which address, and how they log in.
	// +optional
	// +kubebuilder:default={cdn: true, login: "Password"}
	Access Access `json:"access,omitempty"`

	// When the studio's GPU servers stop by themselves. Left out, they never do.
	// The front door, the buckets and the address stay while servers sleep.
	// +optional
	Sleep *Sleep `json:"sleep,omitempty"`

	// Tags for every AWS resource that can carry them, merged under the studio's
	// own: where both set a key, the studio's value stays.
	// +optional
	// +kubebuilder:validation:MaxProperties=30
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) > 0 && size(k) <= 128)",message="spec.tags keys must have 1 to 128 characters, as AWS wants them: shorten the key"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.lowerAscii().startsWith('aws:'))",message="spec.tags keys must not begin with 'aws:', a prefix that AWS keeps for itself: choose another key"
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) > 128 || k.matches('^[\\\\pL\\\\pZ\\\\pN_.:/=+@-]*$'))",message="spec.tags keys must hold only letters, digits, spaces and _ . : / = + - @, as AWS wants them: replace the other characters"
	Tags map[string]TagValue `json:"tags,omitempty"`
}

// TagValue is the value of an AWS tag.
//
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:XValidation:rule="self.matches('^[\\\\pL\\\\pZ\\\\pN_.:/=+@-]*$')",message="spec.tags values must hold only letters, digits, spaces and _ . : / = + - @, as AWS wants them: replace the other characters"
type TagValue string

// ProviderConfigKind is a kind of provider configuration.
//
// +kubebuilder:validation:Enum=ClusterProviderConfig;ProviderConfig
type ProviderConfigKind string

// Provider configurations of provider-aws (aws.m.upbound.io).
const (
	// ProviderConfigKindCluster is shared by all namespaces.
	ProviderConfigKindCluster ProviderConfigKind = "ClusterProviderConfig"
	// ProviderConfigKindNamespaced lives in the studio's namespace.
	ProviderConfigKindNamespaced ProviderConfigKind = "ProviderConfig"
)

// ProviderConfigRef names a provider configuration of provider-aws.
type ProviderConfigRef struct {
	// ClusterProviderConfig, which all namespaces share, or ProviderConfig, which
	// lies in the studio's namespace.
	// +optional
	// +kubebuilder:default=ClusterProviderConfig
	Kind ProviderConfigKind `json:"kind,omitempty"`

	// The provider configuration's name.
	// +optional
	// +kubebuilder:default=default
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// SecretRef names a Secret in the studio's namespace.
type SecretRef struct {
	// The Secret's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// SecretKeyRef names one key of a Secret in the studio's namespace.
type SecretKeyRef struct {
	// The Secret's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// The key in the Secret's data that holds the value.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`
}
