package gate

import (
	"slices"
	"strings"
)

// Values in the words of the gates' file that a reader treats in a way of its own.
const (
	AccountID = "the account id"
	// PrivateSubnets is known when each private subnet has told its part.
	PrivateSubnets = "the private subnets' ids"
	StudioSecret   = "the studio's secret"
)

// Always are values that a bed has from the start.
func Always() []string { return []string{"a published studio-agent", "our own image"} }

// Values are those of the values that gates need which an observed resource tells.
func Values(key string, o map[string]any) []string {
	var out []string

	at, _ := field(o, "status", "atProvider").(map[string]any)

	if slices.Contains(tellAccount(), key) && strings.Count(text(at, "arn"), ":") > 4 {
		out = append(out, AccountID)
	}

	if data, _ := o["data"].(map[string]any); key == "workload-secret" && len(data) > 0 {
		out = append(out, StudioSecret)
	}

	if strings.HasPrefix(key, "network-private-subnet-") && text(at, "id") != "" {
		out = append(out, PrivateSubnets)
	}

	for _, s := range sources() {
		if v := text(at, s.path...); s.key == Family(key) && v != "" && (s.is == "" || v == s.is) {
			out = append(out, s.values...)
		}
	}

	return out
}

// tellAccount are the resources whose ARN the function reads the account from.
func tellAccount() []string {
	return []string{"cluster-role", "cluster-node-role", "cluster-s3-driver-role", "network-nat-address", "network-vpc"}
}

// A source is what tells values: a field of a resource, below its atProvider.
type source struct {
	// key is the family of the resource's.
	key  string
	path []string
	// is holds the text that the field must have, any where it is empty.
	is     string
	values []string
}

func sources() []source {
	const cluster = "cluster-eks"

	return []source{
		{key: cluster, path: []string{"version"}, values: []string{"the cluster's version"}},
		{key: cluster, path: []string{"endpoint"}, values: []string{"the cluster's endpoint"}},
		{key: cluster, path: []string{"vpcConfig", "clusterSecurityGroupId"}, values: []string{"the cluster's security group"}},
		{key: "edge-load-balancer", path: []string{"arn"}, values: []string{"the load balancer's ARN"}},
		{key: "edge-load-balancer", path: []string{"dnsName"}, values: []string{"the load balancer's DNS name"}},
		{key: "edge-target-group", path: []string{"arn"}, values: []string{"the target group's ARN"}},
		{key: "edge-vpc-origin-", path: []string{"id"}, values: []string{"the VPC origin's id"}},
		{key: "cluster-system-nodes", path: []string{"resources", "autoscalingGroups", "name"}, values: []string{"the autoscaling group of the system nodes"}},
		{key: "image-marker-agent-", path: []string{"metadata", "state"}, is: "done", values: []string{
			"the studio-agent in the account", "our own image in the account", "the node daemon in the account",
		}},
		{key: "image-marker-comfyui-", path: []string{"metadata", "state"}, is: "done", values: []string{"the ComfyUI image"}},
	}
}

// text is a field's text, in the first element of each list on the way.
func text(o map[string]any, path ...string) string {
	var v any = o

	for _, p := range path {
		if list, ok := v.([]any); ok && len(list) > 0 {
			v = list[0]
		}

		m, _ := v.(map[string]any)
		v = m[p]
	}

	s, _ := v.(string)

	return s
}
