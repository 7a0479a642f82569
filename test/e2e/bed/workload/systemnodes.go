package workload

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// systemNodes are the machines of the managed node groups.
type systemNodes struct {
	Options

	client kubernetes.Interface
}

const (
	groupLabel = "eks.amazonaws.com/nodegroup"
	zoneID     = "topology.k8s.aws/zone-id"

	// lookPeriod is how often the account is asked for node groups.
	lookPeriod = 2 * time.Second
	// firstAddress is below those that the account gives to instances.
	firstAddress = 5
)

func (s *systemNodes) run(ctx context.Context) error {
	for {
		if err := s.pass(ctx); err != nil && ctx.Err() == nil {
			s.Logf("system nodes of cluster %s: %v", s.Cluster, err)
		}

		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(s.AWS.Clock().Real(lookPeriod), 20*time.Millisecond)):
		}
	}
}

// pass makes the nodes of the groups there are and removes the others.
func (s *systemNodes) pass(ctx context.Context) error {
	wanted, leaving := s.wanted()

	have, err := s.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: groupLabel, ResourceVersion: "0"})
	if err != nil {
		return fmt.Errorf("cannot list nodes: %w", err)
	}

	errs := []error{}

	for i := range have.Items {
		n := &have.Items[i]

		switch {
		case slices.Contains(leaving, n.Labels[groupLabel]):
			errs = append(errs, s.drain(ctx, n))
		case !slices.ContainsFunc(wanted, func(w *corev1.Node) bool { return w.Name == n.Name }):
			errs = append(errs, s.client.CoreV1().Nodes().Delete(ctx, n.Name, metav1.DeleteOptions{}))
		}
	}

	for _, w := range wanted {
		// Without a network plugin a node never becomes ready; here it does not
		// even come.
		if slices.ContainsFunc(have.Items, func(n corev1.Node) bool { return n.Name == w.Name }) || !s.hasAddon("vpc-cni") {
			continue
		}

		if _, err := s.client.CoreV1().Nodes().Create(ctx, w, metav1.CreateOptions{}); err != nil && !kerrors.IsAlreadyExists(err) {
			errs = append(errs, fmt.Errorf("cannot register node %s: %w", w.Name, err))
		}
	}

	return errors.Join(errs...)
}

// wanted are the nodes of the active groups, and the names of the groups that
// are being deleted: EKS drains their nodes before it ends them.
func (s *systemNodes) wanted() (nodes []*corev1.Node, leaving []string) {
	for _, g := range s.AWS.List(cloud.Kind{Service: "eks", Name: "NodeGroup"}, s.Region) {
		if g.Args.String("clusterName") != s.Cluster {
			continue
		}

		name := g.ID[strings.LastIndex(g.ID, ":")+1:]

		switch g.State {
		case cloud.StateDeleting:
			leaving = append(leaving, name)
			nodes = append(nodes, s.nodesOf(g, name)...)
		case cloud.StateActive, cloud.StateUpdating:
			nodes = append(nodes, s.nodesOf(g, name)...)
		case cloud.StateCreating, cloud.StateGone:
		}
	}

	return nodes, leaving
}

func (s *systemNodes) hasAddon(name string) bool {
	return slices.ContainsFunc(s.AWS.List(cloud.Kind{Service: "eks", Name: "Addon"}, s.Region), func(a cloud.Resource) bool {
		return a.Args.String("clusterName") == s.Cluster && a.Args.String("addonName") == name
	})
}

// nodesOf are the machines of a group, one after the other in its subnets.
func (s *systemNodes) nodesOf(g cloud.Resource, name string) []*corev1.Node {
	subnets := []cloud.Resource{}

	for _, sn := range s.AWS.List(cloud.Kind{Service: "ec2", Name: "Subnet"}, s.Region) {
		if slices.Contains(g.Args.Strings("subnetIds"), sn.ID) {
			subnets = append(subnets, sn)
		}
	}

	out := []*corev1.Node{}
	for i := range int(g.Args.Int("scalingConfig.desiredSize")) {
		if len(subnets) > 0 {
			out = append(out, s.node(g, name, subnets[i%len(subnets)], i))
		}
	}

	return out
}

func (s *systemNodes) node(g cloud.Resource, group string, subnet cloud.Resource, i int) *corev1.Node {
	ip := address(subnet.Args.String("cidrBlock"), firstAddress+i)
	name := cloud.PrivateDNS(s.Region, ip)
	zone := subnet.Attrs.String("availabilityZone")
	arch := "amd64"

	if strings.Contains(g.Observed().String("amiType"), "ARM_64") {
		arch = "arm64"
	}

	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		corev1.LabelArchStable: arch, corev1.LabelOSStable: "linux", corev1.LabelHostname: name,
		corev1.LabelTopologyZone: zone, corev1.LabelTopologyRegion: s.Region, zoneID: subnet.Attrs.String("availabilityZoneId"),
		groupLabel: group, "eks.amazonaws.com/capacityType": g.Observed().String("capacityType"),
	}}}
	if types := g.Args.Strings("instanceTypes"); len(types) > 0 {
		n.Labels[corev1.LabelInstanceTypeStable] = types[0]
	}

	labels, _ := g.Args.Get("labels").(map[string]any)
	for k, v := range labels {
		n.Labels[k], _ = v.(string)
	}

	n.Spec = corev1.NodeSpec{ProviderID: fmt.Sprintf("aws:///%s/i-system%d%s", zone, i, group)}
	for _, t := range g.Args.List("taint") {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: t.String("key"), Value: t.String("value"), Effect: effect(t.String("effect"))})
	}

	n.Status = corev1.NodeStatus{
		// A "large" of the families that a studio uses: 2 vCPU, 8 GiB, and 29
		// pods by the limit of its network interfaces.
		Capacity:    resources("2", "8Gi", "29"),
		Allocatable: resources("1930m", "7100Mi", "29"),
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: ip}, {Type: corev1.NodeHostName, Address: name}, {Type: corev1.NodeInternalDNS, Address: name},
		},
		NodeInfo: corev1.NodeSystemInfo{
			Architecture: arch, OperatingSystem: "linux", OSImage: "Amazon Linux 2023", ContainerRuntimeVersion: "containerd://2.1.5",
			KubeletVersion: "v" + g.Observed().String("version") + ".0-eks",
		},
	}

	return n
}

// effect turns the spelling of EKS into that of Kubernetes.
func effect(s string) corev1.TaintEffect {
	return map[string]corev1.TaintEffect{
		"NO_SCHEDULE": corev1.TaintEffectNoSchedule, "NO_EXECUTE": corev1.TaintEffectNoExecute, "PREFER_NO_SCHEDULE": corev1.TaintEffectPreferNoSchedule,
	}[s]
}

func resources(cpu, memory, pods string) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		corev1.ResourcePods: resource.MustParse(pods), corev1.ResourceEphemeralStorage: resource.MustParse("20Gi"),
	}
}

// address is the nth address of a block.
func address(cidr string, n int) string {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return ""
	}

	a := p.Masked().Addr()
	for range n {
		a = a.Next()
	}

	return a.String()
}

// drain keeps pods away from a node and evicts those it has, as EKS does when
// a node group is deleted. What a budget protects stays until the node goes.
func (s *systemNodes) drain(ctx context.Context, n *corev1.Node) error {
	if !n.Spec.Unschedulable {
		patch := []byte(`{"spec":{"unschedulable":true}}`)
		if _, err := s.client.CoreV1().Nodes().Patch(ctx, n.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return fmt.Errorf("cannot cordon node %s: %w", n.Name, err)
		}
	}

	pods, err := s.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + n.Name})
	if err != nil {
		return fmt.Errorf("cannot list the pods of node %s: %w", n.Name, err)
	}

	for i := range pods.Items {
		p := &pods.Items[i]
		if p.DeletionTimestamp != nil || metav1.GetControllerOf(p) != nil && metav1.GetControllerOf(p).Kind == "DaemonSet" {
			continue
		}

		eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace}}
		if err := s.client.PolicyV1().Evictions(p.Namespace).Evict(ctx, eviction); err != nil && !kerrors.IsNotFound(err) && !kerrors.IsTooManyRequests(err) {
			return fmt.Errorf("cannot evict pod %s/%s: %w", p.Namespace, p.Name, err)
		}
	}

	return nil
}
