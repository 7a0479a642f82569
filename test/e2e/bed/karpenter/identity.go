package karpenter

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// The Deployment of the chart, and the account it runs as.
const (
	namespace = "kube-system"
	name      = "karpenter"
)

// alive tells whether Karpenter runs and can do its work. What keeps it from
// that is an event on its Deployment: the real one prints it and ends, and the
// kubelet says BackOff.
func (k *karpenter) alive(context.Context) bool {
	d, err := k.Informers.Apps().V1().Deployments().Lister().Deployments(namespace).Get(name)
	if err != nil {
		return false
	}

	problem := "its Deployment is not Available"
	if slices.ContainsFunc(d.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
		return c.Type == appsv1.DeploymentAvailable && c.Status == corev1.ConditionTrue
	}) && d.DeletionTimestamp == nil {
		problem = k.cannotWork(d)
	}

	if problem != k.problem && problem != "" {
		k.Logf("karpenter of cluster %s does not work: %s", k.Cluster, problem)
		k.recorder.Eventf(d, corev1.EventTypeWarning, "BackOff", "Back-off restarting failed container controller: %s", problem)
	}

	k.problem = problem

	return problem == ""
}

// cannotWork is why Karpenter would end right after it started.
func (k *karpenter) cannotWork(d *appsv1.Deployment) string {
	env := environment(d)

	if env["CLUSTER_NAME"] != k.Cluster {
		return fmt.Sprintf("settings.clusterName is %q, and the cluster is %q", env["CLUSTER_NAME"], k.Cluster)
	}

	if !k.reachesAWS() {
		return "no answer from AWS: the system nodes have no route to a NAT gateway that works"
	}

	if !k.hasAddon("eks-pod-identity-agent") {
		return "no credentials: add-on eks-pod-identity-agent is not there"
	}

	docs, ok := k.policies(d.Spec.Template.Spec.ServiceAccountName)
	if !ok {
		return fmt.Sprintf("no credentials: no Pod Identity association for service account %s/%s", namespace, d.Spec.Template.Spec.ServiceAccountName)
	}

	k.docs = docs

	for _, r := range k.startup(env["INTERRUPTION_QUEUE"]) {
		if !k.can(r) {
			return fmt.Sprintf("AccessDenied: its role is not authorized to perform %s on resource %s", r.action, r.resource)
		}
	}

	if q := env["INTERRUPTION_QUEUE"]; q != "" && !k.exists("sqs", "Queue", func(r cloud.Resource) bool { return r.Observed().String("name") == q }) {
		return "QueueDoesNotExist: interruption queue " + q
	}

	return ""
}

func environment(d *appsv1.Deployment) map[string]string {
	out := map[string]string{}

	for _, c := range d.Spec.Template.Spec.Containers {
		for _, e := range c.Env {
			out[e.Name] = e.Value
		}
	}

	return out
}

func (k *karpenter) exists(service, kind string, is func(cloud.Resource) bool) bool {
	return slices.ContainsFunc(k.AWS.List(cloud.Kind{Service: service, Name: kind}, k.Region), is)
}

func (k *karpenter) hasAddon(addon string) bool {
	return k.exists("eks", "Addon", func(r cloud.Resource) bool {
		return r.Args.String("clusterName") == k.Cluster && r.Args.String("addonName") == addon && r.State != cloud.StateDeleting
	})
}

// policies are the documents of the role that a service account of Karpenter's
// namespace has, false when it has none.
func (k *karpenter) policies(account string) ([]string, bool) {
	for _, a := range k.AWS.List(cloud.Kind{Service: "eks", Name: "PodIdentityAssociation"}, k.Region) {
		if a.Args.String("clusterName") != k.Cluster || a.Args.String("namespace") != namespace ||
			a.Args.String("serviceAccount") != account || a.State == cloud.StateDeleting {
			continue
		}

		for _, role := range k.AWS.List(cloud.Kind{Service: "iam", Name: "Role"}, k.Region) {
			if role.ARN == a.Args.String("roleArn") {
				return k.documents(role.ID), true
			}
		}
	}

	return nil, false
}

// documents are a role's policies, inline and attached. AWS's own policies are
// not known by their text; a studio gives none to Karpenter.
func (k *karpenter) documents(role string) []string {
	out := []string{}

	for _, p := range k.AWS.List(cloud.Kind{Service: "iam", Name: "RolePolicy"}, k.Region) {
		if p.Args.String("role") == role {
			out = append(out, p.Args.String("policy"))
		}
	}

	for _, a := range k.AWS.List(cloud.Kind{Service: "iam", Name: "RolePolicyAttachment"}, k.Region) {
		for _, p := range k.AWS.List(cloud.Kind{Service: "iam", Name: "Policy"}, k.Region) {
			if a.Args.String("role") == role && a.Args.String("policyArn") == p.ARN {
				out = append(out, p.Args.String("policy"))
			}
		}
	}

	return out
}

// can tells whether Karpenter's role allows a request, by the policies it had
// when the pass began.
func (k *karpenter) can(r request) bool { return allows(k.docs, r) }

func (k *karpenter) ask(action, resource string) request {
	return request{action: action, resource: resource}.with(map[string]string{"aws:RequestedRegion": k.Region})
}

// arn is an ARN in the cluster's region. EC2's images and SSM's public
// parameters belong to no account.
func (k *karpenter) arn(service, resource string) string {
	account := k.AWS.AccountID()
	if strings.HasPrefix(resource, "image/") || strings.HasPrefix(resource, "snapshot/") || strings.HasPrefix(resource, "parameter/aws/") {
		account = ""
	}

	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, k.Region, account, resource)
}

// startup are the calls that Karpenter makes before it does anything, and those
// whose failure leaves it without instance types, subnets or images.
func (k *karpenter) startup(queue string) []request {
	out := []request{
		k.ask("eks:DescribeCluster", k.arn("eks", "cluster/"+k.Cluster)),
		k.ask("ssm:GetParameter", k.arn("ssm", "parameter/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/nvidia/recommended/image_id")),
	}

	for _, what := range []string{
		"InstanceTypes", "InstanceTypeOfferings", "Subnets", "SecurityGroups", "Instances", "Images", "LaunchTemplates", "SpotPriceHistory",
	} {
		out = append(out, k.ask("ec2:Describe"+what, "*"))
	}

	if queue != "" {
		for _, call := range []string{"GetQueueUrl", "ReceiveMessage", "DeleteMessage"} {
			out = append(out, k.ask("sqs:"+call, k.arn("sqs", queue)))
		}
	}

	return out
}
