// Package role composes identities in AWS: a role per controller, what it may do
// as a policy of its own, and the association by which pods take it on. Policies
// wait for whatever their documents name; that gate is the part's.
package role

import (
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(eks.AddToScheme)
	kit.Register(iam.AddToScheme)
}

// New is a role that whoever the trust policy names may take on.
func New(description, trust string) *iam.Role {
	return &iam.Role{Spec: iam.RoleSpec{ForProvider: iam.RoleParameters{
		Description:      &description,
		AssumeRolePolicy: &trust,
	}}}
}

// Policy is what the role under a key may do.
func Policy(d *kit.Desired, role kit.Key, document string) *iam.RolePolicy {
	return &iam.RolePolicy{Spec: iam.RolePolicySpec{ForProvider: iam.RolePolicyParameters{
		RoleRef: d.Ref(role),
		Policy:  &document,
	}}}
}

// Attach gives the role under a key one of AWS's own policies, by name.
func Attach(d *kit.Desired, role kit.Key, name string) *iam.RolePolicyAttachment {
	return &iam.RolePolicyAttachment{Spec: iam.RolePolicyAttachmentSpec{ForProvider: iam.RolePolicyAttachmentParameters{
		RoleRef:   d.Ref(role),
		PolicyArn: new("arn:aws:iam::aws:policy/" + name),
	}}}
}

// ForPods lets the pods of a service account take the role under a key on. Pods
// that start before it have no credentials until they are started again.
func ForPods(d *kit.Desired, role kit.Key, namespace, serviceAccount string) *eks.PodIdentityAssociation {
	return &eks.PodIdentityAssociation{Spec: eks.PodIdentityAssociationSpec{ForProvider: eks.PodIdentityAssociationParameters_2{
		ClusterNameRef: d.Ref(plan.Cluster),
		RoleArnRef:     d.Ref(role),
		Namespace:      &namespace,
		ServiceAccount: &serviceAccount,
	}}}
}

// An Attachment is one of AWS's own policies and the key under which a role has it.
type Attachment struct {
	Key    kit.Key
	Policy string
}

// OfNode are AWS's own policies that every node needs to join and to be reached.
func OfNode(worker, cni, registry, ssm kit.Key) []Attachment {
	return []Attachment{
		{worker, "AmazonEKSWorkerNodePolicy"},
		// The CNI add-on starts before Pod Identity's agent can give it a role.
		{cni, "AmazonEKS_CNI_Policy"},
		{registry, "AmazonEC2ContainerRegistryPullOnly"},
		// A way in for people without SSH keys or open ports, and for the studio's own
		// document.
		{ssm, "AmazonSSMManagedInstanceCore"},
	}
}
