package capacity

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ec2NodeClass and nodePool are Karpenter's, as far as the studio uses them. Its
// own types would bring all of Karpenter. Tests hold them to the real CRDs.
type ec2NodeClass struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ec2NodeClassSpec `json:"spec"`
}

type ec2NodeClassSpec struct {
	AMISelectorTerms           []amiTerm            `json:"amiSelectorTerms"`
	InstanceProfile            string               `json:"instanceProfile"`
	SubnetSelectorTerms        []idTerm             `json:"subnetSelectorTerms"`
	SecurityGroupSelectorTerms []idTerm             `json:"securityGroupSelectorTerms"`
	InstanceStorePolicy        string               `json:"instanceStorePolicy"`
	BlockDeviceMappings        []blockDeviceMapping `json:"blockDeviceMappings"`
	MetadataOptions            metadataOptions      `json:"metadataOptions"`
	Tags                       map[string]string    `json:"tags"`
	UserData                   string               `json:"userData"`
}

type amiTerm struct {
	Alias string `json:"alias"`
}

type idTerm struct {
	ID string `json:"id"`
}

type blockDeviceMapping struct {
	DeviceName string      `json:"deviceName"`
	EBS        blockDevice `json:"ebs"`
}

type blockDevice struct {
	VolumeSize          string `json:"volumeSize"`
	VolumeType          string `json:"volumeType"`
	Encrypted           bool   `json:"encrypted"`
	DeleteOnTermination bool   `json:"deleteOnTermination"`
}

type metadataOptions struct {
	HTTPEndpoint            string `json:"httpEndpoint"`
	HTTPProtocolIPv6        string `json:"httpProtocolIPv6"`
	HTTPPutResponseHopLimit int    `json:"httpPutResponseHopLimit"`
	HTTPTokens              string `json:"httpTokens"`
}

type nodePool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec nodePoolSpec `json:"spec"`
}

type nodePoolSpec struct {
	Template   nodeTemplate      `json:"template"`
	Limits     map[string]string `json:"limits"`
	Disruption disruption        `json:"disruption"`
}

type nodeTemplate struct {
	Metadata templateMetadata `json:"metadata"`
	Spec     nodeSpec         `json:"spec"`
}

type templateMetadata struct {
	Labels map[string]string `json:"labels"`
}

type nodeSpec struct {
	NodeClassRef           nodeClassRef  `json:"nodeClassRef"`
	Requirements           []requirement `json:"requirements"`
	Taints                 []taint       `json:"taints"`
	ExpireAfter            string        `json:"expireAfter"`
	TerminationGracePeriod string        `json:"terminationGracePeriod"`
}

type nodeClassRef struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

type requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

type taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

type disruption struct {
	ConsolidationPolicy string   `json:"consolidationPolicy"`
	ConsolidateAfter    string   `json:"consolidateAfter"`
	Budgets             []budget `json:"budgets"`
}

type budget struct {
	Nodes    string   `json:"nodes"`
	Reasons  []string `json:"reasons"`
	Schedule string   `json:"schedule,omitempty"`
	Duration string   `json:"duration,omitempty"`
}

// DeepCopyObject makes it a runtime.Object. Nobody changes one.
func (c *ec2NodeClass) DeepCopyObject() runtime.Object {
	out := *c
	c.DeepCopyInto(&out.ObjectMeta)

	return &out
}

// DeepCopyObject makes it a runtime.Object. Nobody changes one.
func (p *nodePool) DeepCopyObject() runtime.Object {
	out := *p
	p.DeepCopyInto(&out.ObjectMeta)

	return &out
}
