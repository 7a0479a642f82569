package workload

import (
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/incluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const (
	https = 443
	dns   = 53
	// podIdentity is where EKS gives pods their credentials.
	podIdentity = "169.254.170.23/32"
)

// networkPolicies let in and out what the studio needs. The kubelet's probes come
// from the pod's own node, which is always let in.
func networkPolicies(p plan.Plan, d *kit.Desired) {
	frontDoors, comfyUI := peer(plan.NameFrontDoor), peer(plan.NameComfyUI)

	policy := func(k kit.Key, name string, pods metav1.LabelSelector, in []networkingv1.NetworkPolicyIngressRule, out []networkingv1.NetworkPolicyEgressRule) {
		d.AddWhen(kit.After(plan.WorkloadNamespace), k, incluster.New(d, &networkingv1.NetworkPolicy{
			TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
			ObjectMeta: inNamespace(name),
			Spec: networkingv1.NetworkPolicySpec{
				PodSelector: pods,
				PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
				Ingress:     in,
				Egress:      out,
			},
		}))
	}

	policy(plan.DenyAll, "deny-all", metav1.LabelSelector{}, nil, nil)

	policy(plan.FrontDoorNetworkPolicy, plan.FrontDoorName, *selector(labels(plan.NameFrontDoor)),
		[]networkingv1.NetworkPolicyIngressRule{
			{From: loadBalancer(p), Ports: tcp(plan.FrontDoorPort, plan.FrontDoorHealthPort)},
			// They tell each other who works where.
			{From: frontDoors, Ports: tcp(plan.FrontDoorHealthPort)},
		},
		[]networkingv1.NetworkPolicyEgressRule{
			resolve(),
			{To: comfyUI, Ports: tcp(plan.ServerPort)},
			{To: frontDoors, Ports: tcp(plan.FrontDoorHealthPort)},
			{To: []networkingv1.NetworkPolicyPeer{block(podIdentity)}, Ports: tcp(80)},
			// The Kubernetes API, Systems Manager, and an OpenID Connect provider.
			{Ports: tcp(outbound(p)...)},
		},
	)

	policy(plan.ServerNetworkPolicy, plan.NameComfyUI, *selector(labels(plan.NameComfyUI)),
		[]networkingv1.NetworkPolicyIngressRule{{From: frontDoors, Ports: tcp(plan.ServerPort)}},
		[]networkingv1.NetworkPolicyEgressRule{
			// ComfyUI resolves the host of every request that has an origin, and stands
			// still meanwhile.
			resolve(),
			// Custom nodes fetch from the internet, and have nothing to look for in the
			// VPC, its API server, the load balancer or a peered network.
			{To: []networkingv1.NetworkPolicyPeer{block("0.0.0.0/0", private(p)...)}, Ports: tcp(https)},
		},
	)
}

func peer(name string) []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{{PodSelector: selector(labels(name))}}
}

func block(cidr string, except ...string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr, Except: except}}
}

// loadBalancer is where the load balancer's addresses are: a NodePort with
// externalTrafficPolicy Local keeps them.
func loadBalancer(p plan.Plan) []networkingv1.NetworkPolicyPeer {
	var out []networkingv1.NetworkPolicyPeer
	for _, z := range p.Network.ClusterZones() {
		out = append(out, block(z.PrivateCIDR))
	}

	return out
}

// private are the ranges that are not the internet: the VPC's own, RFC 1918, RFC
// 6598 and link-local, where instance metadata is.
func private(p plan.Plan) []string {
	return []string{p.Network.CIDR, "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"}
}

// resolve is the way to the cluster's DNS.
func resolve() networkingv1.NetworkPolicyEgressRule {
	return networkingv1.NetworkPolicyEgressRule{
		To: []networkingv1.NetworkPolicyPeer{{
			NamespaceSelector: selector(map[string]string{corev1.LabelMetadataName: metav1.NamespaceSystem}),
			PodSelector:       selector(map[string]string{"k8s-app": "kube-dns"}),
		}},
		Ports: append(tcp(dns), networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolUDP), Port: new(intstr.FromInt32(dns))}),
	}
}

// outbound are the ports that the front door calls: that of an issuer too, which
// need not be 443.
func outbound(p plan.Plan) []int32 {
	out := []int32{https}

	if p.Access.OIDC == nil {
		return out
	}

	issuer, err := url.Parse(p.Access.OIDC.Issuer)
	if err != nil {
		return out
	}

	if port, err := strconv.ParseInt(issuer.Port(), 10, 32); err == nil && port != https {
		out = append(out, int32(port))
	}

	return out
}

func tcp(ports ...int32) []networkingv1.NetworkPolicyPort {
	out := make([]networkingv1.NetworkPolicyPort, 0, len(ports))
	for _, port := range ports {
		out = append(out, networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(port))})
	}

	return out
}
