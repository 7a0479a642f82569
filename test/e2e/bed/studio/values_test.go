package studio

import "strings"

// always are values that a bed has from the start.
var always = []string{"a published studio-agent", "our own image"}

// zonesOfMinimal is how many zones a studio in Tokyo has that names none.
const zonesOfMinimal = 3

// tells notes which of the values that gates need an observed resource tells. It
// is the rule of package facts, written a second time on purpose.
func (m moment) tells(key string, o map[string]any) {
	for _, v := range always {
		m.values[v] = true
	}

	at := nested(o, "status", "atProvider")

	if arn, _ := at["arn"].(string); strings.Count(arn, ":") > 4 && tellsAccount[key] {
		m.values["the account id"] = true
	}

	for value, from := range singleValues {
		if from.key == family(key) && filled(at, from.path...) {
			m.values[value] = true
		}
	}

	if key == "workload-secret" && len(nested(o, "data")) > 0 {
		m.values["the studio's secret"] = true
	}

	if strings.HasPrefix(key, "network-private-subnet-") && filled(at, "id") {
		m.subnets[key] = true
		m.values["the private subnets' ids"] = len(m.subnets) == zonesOfMinimal
	}

	metadata := nested(at, "metadata")
	if metadata["state"] != "done" {
		return
	}

	switch family(key) {
	case "image-marker-agent-":
		m.values["the studio-agent in the account"] = true
		m.values["our own image in the account"] = true
		m.values["the node daemon in the account"] = true
	case "image-marker-comfyui-":
		m.values["the ComfyUI image"] = true
	}
}

// tellsAccount are the resources whose ARN the function reads the account from.
var tellsAccount = map[string]bool{
	"cluster-role": true, "cluster-node-role": true, "cluster-s3-driver-role": true, "network-nat-address": true, "network-vpc": true,
}

// from is where a value comes from: a key and a path below its atProvider.
type from struct {
	key  string
	path []string
}

// singleValues are those that one field of one resource tells.
var singleValues = map[string]from{
	"the cluster's version":                     {"cluster-eks", []string{"version"}},
	"the cluster's endpoint":                    {"cluster-eks", []string{"endpoint"}},
	"the cluster's security group":              {"cluster-eks", []string{"vpcConfig", "clusterSecurityGroupId"}},
	"the load balancer's ARN":                   {"edge-load-balancer", []string{"arn"}},
	"the load balancer's DNS name":              {"edge-load-balancer", []string{"dnsName"}},
	"the target group's ARN":                    {"edge-target-group", []string{"arn"}},
	"the VPC origin's id":                       {"edge-vpc-origin-", []string{"id"}},
	"the autoscaling group of the system nodes": {"cluster-system-nodes", []string{"resources", "autoscalingGroups", "name"}},
}

// filled says whether a field has a text, in the first element of each list.
func filled(o map[string]any, path ...string) bool {
	var v any = o

	for _, p := range path {
		if list, ok := v.([]any); ok {
			if len(list) == 0 {
				return false
			}

			v = list[0]
		}

		m, _ := v.(map[string]any)
		v = m[p]
	}

	s, _ := v.(string)

	return s != ""
}
