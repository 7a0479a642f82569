package karpenter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// boot is how long a GPU machine takes from running to a kubelet that
// registers ("pod created to kubelet registered: 60 to 100 s in all").
const boot = 40 * time.Second

// register makes the Node of each instance that came up, and follows it until
// it is initialized.
func (k *karpenter) register(ctx context.Context, w *world) error {
	errs := []error{}

	for _, c := range w.claims {
		conds := c.conditions()
		if c.DeletionTimestamp != nil || !conds.is(launched) || conds.is(initialized) {
			continue
		}

		before := c.Status
		before.Conditions = slices.Clone(c.Status.Conditions)
		errs = append(errs, k.follow(ctx, w, c))
		conds.root(launched, registered, initialized)
		errs = append(errs, k.writeStatus(ctx, nodeClaims(), c.Name, before, c.Status))
	}

	return errors.Join(errs...)
}

func (k *karpenter) follow(ctx context.Context, w *world, c *nodeClaim) error {
	conds, m, n := c.conditions(), k.claims[c.UID], w.node(c)

	if n == nil {
		conds.unknown(registered, "NodeNotFound", "Node not registered with cluster")

		if k.clock.Now() > m.launched+registrationTimeout {
			k.Logf("karpenter of cluster %s: nodeclaim %s: terminating due to timeout: registration_timeout", k.Cluster, c.Name)
			return errors.Join(k.unhealthy(ctx, w, c), k.deleteClaim(ctx, c))
		}

		return k.boots(ctx, w, c)
	}

	c.Status.NodeName = n.Name
	conds.yes(registered)

	switch missing := notRegistered(c, n); {
	case !nodeReady(n):
		conds.unknown(initialized, "NodeNotReady", "Node status is NotReady")
	case startupTaint(c, n) != "":
		conds.unknown(initialized, "StartupTaintsExist", fmt.Sprintf("StartupTaint %q still exists", startupTaint(c, n)))
	case missing != "":
		conds.unknown(initialized, "ResourceNotRegistered", fmt.Sprintf("Resource %q was requested but not registered", missing))
	default:
		conds.yes(initialized)
		return k.label(ctx, n, labelInitialized, "true")
	}

	return nil
}

// boots registers the node of an instance, when its time has come and it can.
func (k *karpenter) boots(ctx context.Context, w *world, c *nodeClaim) error {
	i, ok := w.instances[instanceID(c)]
	if !ok || i.State != cloud.StateActive || k.clock.Now() < k.claims[c.UID].launched+boot {
		return nil
	}

	if why := k.cannotRegister(i); why != "" {
		if k.claims[c.UID].trouble == why {
			return nil
		}

		k.claims[c.UID].trouble = why
		k.Logf("karpenter of cluster %s: instance %s does not register: %s", k.Cluster, i.ID, why)
		return nil
	}

	_, err := k.core.CoreV1().Nodes().Create(ctx, k.nodeOf(c, i), metav1.CreateOptions{})
	if err != nil && !kerrors.IsAlreadyExists(err) {
		return fmt.Errorf("cannot register node %s: %w", i.Attrs.String("privateDns"), err)
	}

	k.Logf("karpenter of cluster %s: registered nodeclaim %s as node %s", k.Cluster, c.Name, i.Attrs.String("privateDns"))

	return nil
}

// cannotRegister is why the kubelet of an instance does not get in.
func (k *karpenter) cannotRegister(i cloud.Resource) string {
	role, ok := k.profileRole(i.Args.String("iamInstanceProfile"))
	if !ok {
		return "it has no credentials: its instance profile or the role in it is gone"
	}

	if !k.exists("eks", "AccessEntry", func(e cloud.Resource) bool {
		return e.Args.String("clusterName") == k.Cluster && e.Args.String("principalArn") == role.ARN && e.Observed().String("type") == "EC2_LINUX" && usable(e)
	}) {
		return "Unauthorized: no access entry of type EC2_LINUX for " + role.ARN
	}

	if !k.wayOut(i.Args.String("subnetId")) {
		return "no route to a NAT gateway that works from subnet " + i.Args.String("subnetId")
	}

	if !k.hasAddon("vpc-cni") {
		return "network plugin not ready: add-on vpc-cni is not there"
	}

	return ""
}

func instanceID(c *nodeClaim) string {
	return c.Status.ProviderID[strings.LastIndex(c.Status.ProviderID, "/")+1:]
}

// nodeOf is the node that a kubelet registers, with what Karpenter puts on it.
// The kubelet has no GPUs until their device plugin says so.
func (k *karpenter) nodeOf(c *nodeClaim, i cloud.Resource) *corev1.Node {
	dns := i.Attrs.String("privateDns")
	capacity, allocatable := c.Status.Capacity.DeepCopy(), c.Status.Allocatable.DeepCopy()
	delete(capacity, gpu)
	delete(allocatable, gpu)

	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: dns, Finalizers: []string{finalizer},
			Labels: merged(c.Labels, map[string]string{corev1.LabelHostname: dns, labelRegistered: "true"}),
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: group + "/v1", Kind: "NodeClaim", Name: c.Name, UID: c.UID, BlockOwnerDeletion: new(true),
			}},
		},
		Spec: corev1.NodeSpec{ProviderID: c.Status.ProviderID, Taints: append(slices.Clone(c.Spec.Taints), c.Spec.StartupTaints...)},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: allocatable,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: i.Attrs.String("privateIp")}, {Type: corev1.NodeHostName, Address: dns}, {Type: corev1.NodeInternalDNS, Address: dns},
			},
			NodeInfo: corev1.NodeSystemInfo{
				Architecture: "amd64", OperatingSystem: "linux", OSImage: "Amazon Linux 2023", ContainerRuntimeVersion: "containerd://2.1.5", KubeletVersion: "v1.35.0-eks",
			},
		},
	}
}

func nodeReady(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

func startupTaint(c *nodeClaim, n *corev1.Node) string {
	for _, s := range c.Spec.StartupTaints {
		if slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.MatchTaint(&s) }) {
			return s.Key
		}
	}

	return ""
}

// notRegistered is a resource that was asked for and that the node lacks.
func notRegistered(c *nodeClaim, n *corev1.Node) corev1.ResourceName {
	for r, want := range c.Spec.Resources.Requests {
		have := n.Status.Allocatable[r]
		if !want.IsZero() && have.IsZero() {
			return r
		}
	}

	return ""
}

func (k *karpenter) label(ctx context.Context, n *corev1.Node, key, value string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, key, value)
	if _, err := k.core.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil && !kerrors.IsNotFound(err) {
		return fmt.Errorf("cannot label node %s: %w", n.Name, err)
	}

	return nil
}

// unhealthy notes on the pool that a node of it did not come.
func (k *karpenter) unhealthy(ctx context.Context, w *world, c *nodeClaim) error {
	p := w.pool(c.Labels[labelPool])
	if p == nil {
		return nil
	}

	before := p.Status
	before.Conditions = slices.Clone(p.Status.Conditions)

	if c.conditions().is(launched) {
		p.conditions().no(registrationHealthy, "RegistrationFailed", "Failed to register node")
	} else {
		for _, cond := range c.Status.Conditions {
			if cond.Type == launched {
				p.conditions().no(registrationHealthy, cond.Reason, cond.Message)
			}
		}
	}

	return k.writeStatus(ctx, nodePools(), p.Name, before, p.Status)
}
