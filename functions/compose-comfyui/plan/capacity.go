package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// Versions of what runs in the cluster for part capacity.
const (
	// KarpenterVersion is the first that was tested with every Kubernetes version
	// of the claim; 1.36 needs 1.13.
	KarpenterVersion = "1.14.1"
	// DevicePluginVersion is NVIDIA's.
	DevicePluginVersion = "0.18.2"
	// NodeImage is EKS's AMI for GPU nodes. It is pinned: with @latest every node
	// would drift on the day AWS publishes another.
	NodeImage = "al2023@v20260714"
)

// Names in the cluster.
const (
	// KarpenterName is the release, Deployment and service account of Karpenter,
	// in the namespace kube-system.
	KarpenterName = "karpenter"
	// DevicePluginName is the release of NVIDIA's device plugin, there too.
	DevicePluginName = "nvidia-device-plugin"
	// SystemNamespace is where both run.
	SystemNamespace = "kube-system"
	// ModelsDirectory is where a GPU node has the models.
	ModelsDirectory = NodeDirectory + "/models"
	// GPUResource is what a server asks for and GPU nodes are tainted with.
	GPUResource = "nvidia.com/gpu"
)

const (
	maxQueue = 80 // sqs:CreateQueue
	maxRule  = 64 // events:PutRule
	// maxNameTag: the consoles cut off longer ones.
	maxNameTag = 63
)

// capacityName is the name that AWS shows of a resource of part capacity, and
// that Helm shows of its releases.
func (p Plan) capacityName(k kit.Key) string {
	switch k {
	case KarpenterRole:
		return p.name("karpenter", maxRole)
	case GPUNodeRole:
		return p.name("gpu-node", maxRole)
	case GPUNodeProfile:
		return p.InstanceProfile()
	case Karpenter:
		return KarpenterName
	case DevicePlugin:
		return DevicePluginName
	}

	for _, i := range Interruptions() {
		if k == InterruptionRule(i) {
			return p.interruptionRuleName(i)
		}
	}

	return ""
}

// InstanceProfile is the instance profile of GPU nodes, by name.
func (p Plan) InstanceProfile() string { return p.name("gpu-node", maxRole) }

// InstanceProfileARN is its ARN, or empty until the account is known.
func (p Plan) InstanceProfileARN() string {
	return p.arn("iam", "", "instance-profile/"+p.InstanceProfile())
}

// OldInstanceProfilesARN are the profiles that older versions of Karpenter named
// after the cluster, as a pattern.
func (p Plan) OldInstanceProfilesARN() string {
	return p.arn("iam", "", "instance-profile/"+p.ClusterName()+"_*")
}

// GPUNodeRoleARN is the ARN of the role of GPU nodes, or empty until the account
// is known.
func (p Plan) GPUNodeRoleARN() string {
	return p.arn("iam", "", "role/"+p.capacityName(GPUNodeRole))
}

// ClusterARN is the ARN of the EKS cluster, or empty until the account is known.
func (p Plan) ClusterARN() string {
	return p.arn("eks", p.RegionName, "cluster/"+p.ClusterName())
}

// InterruptionQueueName is the name of the queue that tells Karpenter of
// interruptions.
func (p Plan) InterruptionQueueName() string { return p.name("interruptions", maxQueue) }

// InterruptionQueueARN is its ARN, or empty until the account is known.
func (p Plan) InterruptionQueueARN() string {
	return p.arn("sqs", p.RegionName, p.InterruptionQueueName())
}

// InterruptionRuleARN is the ARN of a rule, or empty until the account is known.
func (p Plan) InterruptionRuleARN(i Interruption) string {
	return p.arn("events", p.RegionName, "rule/"+p.interruptionRuleName(i))
}

func (p Plan) interruptionRuleName(i Interruption) string {
	return p.name("interruption-"+string(i), maxRule)
}

// NodeName is what the consoles call a pool's instances.
func (p Plan) NodeName(pool string) string { return p.name("gpu-"+pool, maxNameTag) }

// NodeDaemonObject is the key, in the artefact bucket, of the plan's release of the
// daemon that keeps models in step on every node, or empty while none is published.
func (p Plan) NodeDaemonObject() string {
	return artefact(p.Release.NodeDaemonSHA256, "node-daemon")
}

// NodeStatus is where a node says how its models are. The daemon puts the id of the
// instance, which it alone knows, in place of the braces.
func (p Plan) NodeStatus() string {
	return "s3://" + p.ArtefactBucket() + "/" + NodeStatusPrefix + "{instance}.json"
}

// arn is empty until the account is known.
func (p Plan) arn(service, region, resource string) string {
	if p.Account == "" {
		return ""
	}

	return strings.Join([]string{"arn", "aws", service, region, p.Account, resource}, ":")
}

// karpentersTag says whether Karpenter keeps a tag for itself and refuses it in
// an EC2NodeClass (the rules on spec.tags in its CRD).
func karpentersTag(key string) bool {
	return strings.HasPrefix(key, "kubernetes.io/cluster") ||
		slices.Contains([]string{"eks:eks-cluster-name", "karpenter.sh/nodepool", "karpenter.sh/nodeclaim", "karpenter.k8s.aws/ec2nodeclass"}, key)
}

// tagsPass refuses tags that could not be put on GPU nodes.
func (p Plan) tagsPass() error {
	var errs []error

	for key := range p.tags {
		if karpentersTag(key) {
			errs = append(errs, fmt.Errorf("spec.tags: %s is a tag that Karpenter keeps for itself on every node; choose another key", key))
		}
	}

	sortErrors(errs)

	return errors.Join(errs...)
}

func sortErrors(errs []error) {
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
}
