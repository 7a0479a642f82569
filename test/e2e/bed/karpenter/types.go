package karpenter

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The API groups of Karpenter, and its finalizers.
const (
	group    = "karpenter.sh"
	groupAWS = "karpenter.k8s.aws"

	finalizer      = group + "/termination"
	classFinalizer = groupAWS + "/termination"
)

// Labels, annotations and taints of Karpenter.
const (
	labelPool         = group + "/nodepool"
	labelCapacityType = group + "/capacity-type"
	labelRegistered   = group + "/registered"
	labelInitialized  = group + "/initialized"
	labelClass        = groupAWS + "/ec2nodeclass"
	doNotDisrupt      = group + "/do-not-disrupt"
	terminationTime   = group + "/nodeclaim-termination-timestamp"
	disrupted         = group + "/disrupted"

	gpu = corev1.ResourceName("nvidia.com/gpu")
)

// The purchases of an instance.
const (
	spot     = "spot"
	onDemand = "on-demand"
)

func nodePools() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: "nodepools"}
}

func nodeClaims() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: "nodeclaims"}
}

func nodeClasses() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: groupAWS, Version: "v1", Resource: "ec2nodeclasses"}
}

// A requirement restricts a label of the node.
type requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values,omitempty"`
}

// A classRef names the EC2NodeClass.
type classRef struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

// A nodeSpec is what a NodePool's template and a NodeClaim have in common.
type nodeSpec struct {
	Taints                 []corev1.Taint `json:"taints,omitempty"`
	StartupTaints          []corev1.Taint `json:"startupTaints,omitempty"`
	Requirements           []requirement  `json:"requirements"`
	NodeClassRef           classRef       `json:"nodeClassRef"`
	TerminationGracePeriod string         `json:"terminationGracePeriod,omitempty"`
	ExpireAfter            string         `json:"expireAfter,omitempty"`
}

// A nodePool is karpenter.sh/v1 NodePool, as far as it is played.
type nodePool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Template struct {
			Metadata struct {
				Labels      map[string]string `json:"labels,omitempty"`
				Annotations map[string]string `json:"annotations,omitempty"`
			} `json:"metadata"`
			Spec nodeSpec `json:"spec"`
		} `json:"template"`
		Disruption struct {
			ConsolidateAfter    string   `json:"consolidateAfter"`
			ConsolidationPolicy string   `json:"consolidationPolicy,omitempty"`
			Budgets             []budget `json:"budgets,omitempty"`
		} `json:"disruption"`
		Limits corev1.ResourceList `json:"limits,omitempty"`
		Weight int32               `json:"weight,omitempty"`
	} `json:"spec"`
	Status struct {
		Conditions []metav1.Condition  `json:"conditions,omitempty"`
		Resources  corev1.ResourceList `json:"resources,omitempty"`
		Nodes      *int64              `json:"nodes,omitempty"`
	} `json:"status"`
}

// A budget limits how many nodes may be disrupted at once.
type budget struct {
	Nodes    string   `json:"nodes"`
	Reasons  []string `json:"reasons,omitempty"`
	Schedule string   `json:"schedule,omitempty"`
	Duration string   `json:"duration,omitempty"`
}

// A nodeClaim is karpenter.sh/v1 NodeClaim.
type nodeClaim struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		nodeSpec `json:",inline"`

		Resources struct {
			Requests corev1.ResourceList `json:"requests,omitempty"`
		} `json:"resources"`
	} `json:"spec"`
	Status claimStatus `json:"status"`
}

// A claimStatus is the status of a NodeClaim.
type claimStatus struct {
	Conditions  []metav1.Condition  `json:"conditions,omitempty"`
	NodeName    string              `json:"nodeName,omitempty"`
	ProviderID  string              `json:"providerID,omitempty"`
	ImageID     string              `json:"imageID,omitempty"`
	Capacity    corev1.ResourceList `json:"capacity,omitempty"`
	Allocatable corev1.ResourceList `json:"allocatable,omitempty"`
}

// A nodeClass is karpenter.k8s.aws/v1 EC2NodeClass.
type nodeClass struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		SubnetSelectorTerms        []selectorTerm    `json:"subnetSelectorTerms"`
		SecurityGroupSelectorTerms []selectorTerm    `json:"securityGroupSelectorTerms"`
		Role                       string            `json:"role,omitempty"`
		InstanceProfile            string            `json:"instanceProfile,omitempty"`
		InstanceStorePolicy        string            `json:"instanceStorePolicy,omitempty"`
		Tags                       map[string]string `json:"tags,omitempty"`
	} `json:"spec"`
	Status classStatus `json:"status"`
}

// A selectorTerm selects by id, by name or by tags.
type selectorTerm struct {
	ID   string            `json:"id,omitempty"`
	Name string            `json:"name,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
}

// A classStatus is the status of an EC2NodeClass.
type classStatus struct {
	Conditions      []metav1.Condition `json:"conditions,omitempty"`
	Subnets         []classSubnet      `json:"subnets,omitempty"`
	SecurityGroups  []classGroup       `json:"securityGroups,omitempty"`
	InstanceProfile string             `json:"instanceProfile,omitempty"`
}

type classSubnet struct {
	ID     string `json:"id"`
	Zone   string `json:"zone"`
	ZoneID string `json:"zoneID,omitempty"`
}

type classGroup struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// from reads an object into its type.
func from[T any](u *unstructured.Unstructured) (*T, error) {
	data, err := u.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("cannot encode %s %s: %w", u.GetKind(), u.GetName(), err)
	}

	out := new(T)
	if err := json.Unmarshal(data, out); err != nil {
		return nil, fmt.Errorf("cannot read %s %s: %w", u.GetKind(), u.GetName(), err)
	}

	return out, nil
}

// toMap is a value as JSON keeps it.
func toMap(v any) (map[string]any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("cannot encode: %w", err)
	}

	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("cannot decode: %w", err)
	}

	return out, nil
}

// duration reads what Karpenter writes as 15m or Never; zero for never.
func duration(s string) (time.Duration, bool) {
	d, err := time.ParseDuration(s)

	return d, err == nil
}
