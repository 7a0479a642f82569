package workload

import (
	"net/netip"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	klabels "k8s.io/apimachinery/pkg/labels"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// end is one end of a connection: a pod, or an address.
type end struct {
	namespace string
	labels    map[string]string
	address   string
}

func of(name string) end {
	return end{namespace: plan.StudioNamespace, labels: map[string]string{plan.LabelName: name, plan.LabelPool: "people"}}
}

func at(address string) end { return end{address: address} }

// TestReach says who may call whom, by the policies as they are applied.
func TestReach(t *testing.T) {
	front, server := of(plan.NameFrontDoor), of(plan.NameComfyUI)
	stranger := end{namespace: "kube-system", labels: map[string]string{"app": "stranger"}}
	resolver := end{namespace: "kube-system", labels: map[string]string{"k8s-app": "kube-dns"}}

	cases := map[string]struct {
		reason   string
		from, to end
		port     int32
		want     bool
	}{
		"LoadBalancer":         {reason: "The load balancer is in the private subnets of the cluster's zones.", from: at("10.42.16.9"), to: front, port: 8080, want: true},
		"HealthCheck":          {reason: "Its check too.", from: at("10.42.16.9"), to: front, port: 8081, want: true},
		"LoadBalancerToServer": {reason: "Nobody comes past the login.", from: at("10.42.16.9"), to: server, port: 8188},
		"InternetToFrontDoor":  {reason: "Nor past the load balancer.", from: at("198.51.100.7"), to: front, port: 8080},
		"StrangerToFrontDoor":  {reason: "Other pods have nothing to do there.", from: stranger, to: front, port: 8080},
		"StrangerToServer":     {reason: "Nor here.", from: stranger, to: server, port: 8188},
		"FrontDoorToServer":    {reason: "That is what it is for.", from: front, to: server, port: 8188, want: true},
		"FrontDoorToFrontDoor": {reason: "They ask each other who is at work.", from: front, to: front, port: 8081, want: true},
		"ServerToServer":       {reason: "A server knows no other.", from: server, to: server, port: 8188},
		"ServerToFrontDoor":    {reason: "And has nothing to ask the front door.", from: server, to: front, port: 8080},
		"FrontDoorToIdentity":  {reason: "Credentials come from the node's agent.", from: front, to: at("169.254.170.23"), port: 80, want: true},
		"ServerToIdentity":     {reason: "A server gets none.", from: server, to: at("169.254.170.23"), port: 80},
		"ServerToMetadata":     {reason: "Nor the node's.", from: server, to: at("169.254.169.254"), port: 80},
		"ServerToMetadataTLS":  {reason: "On no port.", from: server, to: at("169.254.169.254"), port: 443},
		"FrontDoorToAWS":       {reason: "Systems Manager, the Kubernetes API, an issuer.", from: front, to: at("52.94.0.1"), port: 443, want: true},
		"ServerToInternet":     {reason: "Custom nodes fetch files.", from: server, to: at("151.101.0.1"), port: 443, want: true},
		"ServerToMiningPool":   {reason: "By HTTPS and nothing else.", from: server, to: at("151.101.0.1"), port: 3333},
		"ServerToVPC":          {reason: "There is nothing for them in the VPC.", from: server, to: at("10.42.16.9"), port: 443},
		"ServerToPeeredVPC":    {reason: "Nor in networks behind it.", from: server, to: at("172.31.0.9"), port: 443},
		"ServerToResolver":     {reason: "Without names ComfyUI stands still.", from: server, to: resolver, port: 53, want: true},
		"FrontDoorToResolver":  {reason: "So would the front door.", from: front, to: resolver, port: 53, want: true},
		"ServerToStranger":     {reason: "Nobody else in kube-system.", from: server, to: stranger, port: 53},
	}

	p := newPlan(t)
	r := compose(t, p, known(), up(t, p, known()))

	var policies []networkingv1.NetworkPolicy
	for _, k := range []kit.Key{plan.DenyAll, plan.FrontDoorNetworkPolicy, plan.ServerNetworkPolicy} {
		policies = append(policies, in[networkingv1.NetworkPolicy](t, r, k))
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := leaves(t, policies, tc.from, tc.to, tc.port) && enters(t, policies, tc.from, tc.to, tc.port); got != tc.want {
				t.Errorf("%s\n%v to %v on %d: want %t, got %t", tc.reason, tc.from, tc.to, tc.port, tc.want, got)
			}
		})
	}
}

// leaves says whether egress lets a connection go. Without a policy for a pod
// everything is let.
func leaves(t *testing.T, policies []networkingv1.NetworkPolicy, from, to end, port int32) bool {
	t.Helper()

	selected := false

	for _, p := range policies {
		if from.namespace != p.Namespace || !selects(t, &p.Spec.PodSelector, from.labels) {
			continue
		}

		selected = true

		for _, rule := range p.Spec.Egress {
			if opens(rule.Ports, port) && peers(t, p.Namespace, rule.To, to) {
				return true
			}
		}
	}

	return !selected
}

func enters(t *testing.T, policies []networkingv1.NetworkPolicy, from, to end, port int32) bool {
	t.Helper()

	selected := false

	for _, p := range policies {
		if to.namespace != p.Namespace || !selects(t, &p.Spec.PodSelector, to.labels) {
			continue
		}

		selected = true

		for _, rule := range p.Spec.Ingress {
			if opens(rule.Ports, port) && peers(t, p.Namespace, rule.From, from) {
				return true
			}
		}
	}

	return !selected
}

func opens(ports []networkingv1.NetworkPolicyPort, port int32) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return *p.Protocol == corev1.ProtocolTCP && p.Port.IntVal == port
	})
}

func peers(t *testing.T, namespace string, all []networkingv1.NetworkPolicyPeer, other end) bool {
	t.Helper()

	return len(all) == 0 || slices.ContainsFunc(all, func(p networkingv1.NetworkPolicyPeer) bool {
		if p.IPBlock != nil {
			return other.address != "" && within(p.IPBlock.CIDR, other.address) &&
				!slices.ContainsFunc(p.IPBlock.Except, func(cidr string) bool { return within(cidr, other.address) })
		}

		if p.NamespaceSelector == nil {
			return other.namespace == namespace && selects(t, p.PodSelector, other.labels)
		}

		return selects(t, p.NamespaceSelector, map[string]string{corev1.LabelMetadataName: other.namespace}) && selects(t, p.PodSelector, other.labels)
	})
}

func within(cidr, address string) bool {
	return netip.MustParsePrefix(cidr).Contains(netip.MustParseAddr(address))
}

func selects(t *testing.T, s *metav1.LabelSelector, of map[string]string) bool {
	t.Helper()

	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}

	return selector.Matches(klabels.Set(of))
}
