package main

import (
	"regexp"
	"strings"
)

// The values that resources wait for, in the words of the gates' file.
const (
	accountID      = "the account id"
	privateSubnets = "the private subnets' ids"
	studioSecret   = "the studio's secret"
)

// known are values that a bed has from the start, and the studio's secret, which is
// there with the second run and which nobody watches here.
var known = []string{"a published studio-agent", "our own image", studioSecret} //nolint:gochecknoglobals // A constant that Go has no const for.

// hash ends a key that there is one of per hash of something.
var hash = regexp.MustCompile(`-[0-9a-f]{8}$`)

// familyOf is a key without its hash, which is another for each studio.
func familyOf(key string) string { return hash.ReplaceAllString(key, "-") }

// A source is what tells values: a field of a resource, below its atProvider.
type source struct {
	// key is the family of the resource's.
	key  string
	path []string
	// is holds the text that the field must have, any where it is empty.
	is     string
	values []string
}

var sources = []source{ //nolint:gochecknoglobals // A table.
	{key: clusterKey, path: []string{"version"}, values: []string{"the cluster's version"}},
	{key: clusterKey, path: []string{"endpoint"}, values: []string{"the cluster's endpoint"}},
	{key: clusterKey, path: []string{"vpcConfig", "clusterSecurityGroupId"}, values: []string{"the cluster's security group"}},
	{key: "edge-load-balancer", path: []string{"arn"}, values: []string{"the load balancer's ARN"}},
	{key: "edge-load-balancer", path: []string{"dnsName"}, values: []string{"the load balancer's DNS name"}},
	{key: "edge-target-group", path: []string{"arn"}, values: []string{"the target group's ARN"}},
	{key: "edge-vpc-origin-", path: []string{"id"}, values: []string{"the VPC origin's id"}},
	{key: "cluster-system-nodes", path: []string{"resources", "autoscalingGroups", nameField}, values: []string{"the autoscaling group of the system nodes"}},
	{key: "image-marker-agent-", path: []string{"metadata", "state"}, is: "done", values: []string{
		"the studio-agent in the account", "our own image in the account", "the node daemon in the account",
	}},
	{key: "image-marker-comfyui-", path: []string{"metadata", "state"}, is: "done", values: []string{"the ComfyUI image"}},
}

// valuesOf are the values that others wait for and this object tells.
func valuesOf(key string, o map[string]any) []string {
	var out []string

	at := nested(o, "status", "atProvider")
	// A subnet's ARN has the account of the VPC's owner.
	if arn, _ := at["arn"].(string); arn != "" && o["kind"] != "Subnet" {
		out = append(out, accountID)
	}

	if strings.HasPrefix(key, "network-private-subnet-") && text(at, "id") != "" {
		out = append(out, privateSubnets)
	}

	for _, s := range sources {
		if v := text(at, s.path...); key == s.key && v != "" && (s.is == "" || v == s.is) {
			out = append(out, s.values...)
		}
	}

	return out
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
