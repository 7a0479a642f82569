package cloud

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	kindNodeGroup = Kind{"eks", "NodeGroup"}
	kindAddon     = Kind{"eks", "Addon"}
)

// addonVersions are the versions of the day. A name that is not here is no
// add-on a studio uses.
var addonVersions = map[string]string{
	"vpc-cni": "v1.21.1-eksbuild.1", "kube-proxy": "v1.35.0-eksbuild.2", "coredns": "v1.13.1-eksbuild.1",
	"eks-pod-identity-agent": "v1.3.10-eksbuild.1", "aws-mountpoint-s3-csi-driver": "v2.7.0-eksbuild.1",
	"eks-node-monitoring-agent": "v1.5.1-eksbuild.1", "metrics-server": "v0.8.0-eksbuild.5", "aws-ebs-csi-driver": "v1.54.0-eksbuild.1",
}

// needsNodes are the add-ons whose pods must run before they are active:
// "coredns stays DEGRADED/CREATING until nodes join".
var needsNodes = []string{"coredns", "metrics-server"}

// afterNodes is how long such an add-on takes once there are nodes: "coredns
// after nodes: our estimate 10-30 s".
const afterNodes = 20 * time.Second

func nodeRules() []rule {
	return []rule{{
		kind:     kindNodeGroup,
		required: []string{"clusterName", "nodeRoleArn", "subnetIds"},
		identity: func(c Call) string { return joined(c.Args.String("clusterName"), ":", c.Name) },
		exists: func(t *tx) error {
			return refuse("ResourceInUseException", "NodeGroup already exists with name %s and cluster name %s", t.call.Name, t.args.String("clusterName"))
		},
		create: createNodeGroup,
		update: checkScaling,
		read:   func(t *tx) { t.res.attrs["status"] = eksStatus(t.res.state(t.now)) },
		remove: removeNodeGroup,
	}, {
		kind:     kindAddon,
		required: []string{"clusterName", "addonName"},
		identity: func(c Call) string { return joined(c.Args.String("clusterName"), ":", c.Args.String("addonName")) },
		exists: func(*tx) error {
			return refuse("ResourceInUseException", "Addon already exists.")
		},
		create: createAddon,
		update: checkAddon,
	}}
}

// arm matches instance types with Graviton processors.
var arm = regexp.MustCompile(`^[a-z]+\d+g[a-z]*\.`)

func createNodeGroup(t *tx) error {
	c, err := t.cluster()
	if err != nil {
		return err
	}
	if n := t.call.Name; len(n) > 63 || !clusterName.MatchString(n) {
		return refuse("InvalidParameterException", "The nodegroup name '%s' can't be longer than 63 characters or has characters that are not allowed", n)
	}
	arn := t.args.String("nodeRoleArn")
	role := t.roleByARN(arn)
	if role == nil {
		return refuse("InvalidParameterException", "The role with name %s cannot be found.", arn[strings.LastIndex(arn, "/")+1:])
	}
	if !role.trusts("ec2.amazonaws.com") {
		return refuse("InvalidParameterException", "Following required service principals [ec2.amazonaws.com] were not found in the trust relationships of nodeRole %s", arn)
	}
	if err := nodeGroupSubnets(t, c.attrs.String("vpcConfig.vpcId")); err != nil {
		return err
	}
	if err := checkInstances(t.args); err != nil {
		return err
	}
	if err := checkScaling(t); err != nil {
		return err
	}
	uuid := t.uuid()
	t.res.arn = t.arnOf("eks", "nodegroup/"+c.id+"/"+t.call.Name+"/"+uuid)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "releaseVersion": c.observed().String("version") + ".0-20261112", "version": c.observed().String("version"),
		"resources": []any{map[string]any{
			"autoscalingGroups":           []any{map[string]any{"name": "eks-" + t.call.Name + "-" + uuid}},
			"remoteAccessSecurityGroupId": "",
		}},
		"diskSize": int64(20), "amiType": "AL2023_x86_64_STANDARD", "capacityType": "ON_DEMAND",
	}
	given(t.res.attrs, t.args, "diskSize", "amiType", "capacityType", "version", "releaseVersion")
	// For the role of a managed node group EKS makes the entry itself.
	t.madeEntry(c.id, arn)
	t.nodesAt(c.id, t.stretched(t.call, OpCreate, t.now, DurationsOf(kindNodeGroup).Create))
	return nil
}

func nodeGroupSubnets(t *tx, vpc string) error {
	for _, id := range t.args.Strings("subnetIds") {
		s := t.find(kindSubnet, id)
		if s == nil {
			return refuse("InvalidParameterException", "The subnet ID '%s' does not exist", id)
		}
		if s.args.String("vpcId") != vpc {
			return refuse("InvalidParameterException", "Subnet %s is not in the cluster's VPC %s", id, vpc)
		}
	}
	return nil
}

func checkInstances(args Values) error {
	ami := args.String("amiType")
	for _, it := range args.Strings("instanceTypes") {
		if ami != "" && arm.MatchString(it) != strings.Contains(ami, "ARM_64") {
			return refuse("InvalidParameterException", "[%s] is not a valid instance type for requested amiType %s", it, ami)
		}
	}
	return nil
}

func checkScaling(t *tx) error {
	lo, want, hi := t.args.Int("scalingConfig.minSize"), t.args.Int("scalingConfig.desiredSize"), t.args.Int("scalingConfig.maxSize")
	switch {
	case lo > want:
		return refuse("InvalidParameterException", "Minimum capacity %d can't be greater than desired size %d", lo, want)
	case want > hi:
		return refuse("InvalidParameterException", "desired capacity %d can't be greater than max size %d", want, hi)
	case hi < 1:
		return refuse("InvalidParameterException", "Maximum capacity must be at least 1")
	}
	return nil
}

// removeNodeGroup takes the entry away that EKS made for its role.
func removeNodeGroup(t *tx) error {
	for r := range t.each(kindAccessEntry) {
		if r.hidden && r.id == joined(t.res.args.String("clusterName"), ":", t.res.args.String("nodeRoleArn")) {
			t.drop(r, t.now+DurationsOf(kindNodeGroup).Delete)
		}
	}
	return nil
}

// nodesAt tells the add-ons that wait for nodes when there will be some.
func (t *tx) nodesAt(cluster string, at time.Duration) {
	for r := range t.each(kindAddon) {
		if r.args.String("clusterName") == cluster && r.waiting && at != Never {
			r.waiting, r.active = false, max(r.active, at+afterNodes)
			if r.active == Never {
				r.active = at + afterNodes
			}
		}
	}
	t.broadcast()
}

func createAddon(t *tx) error {
	c, err := t.cluster()
	if err != nil {
		return err
	}
	if err := checkAddon(t); err != nil {
		return err
	}
	name := t.args.String("addonName")
	t.res.arn = t.arnOf("eks", "addon/"+c.id+"/"+name+"/"+t.uuid())
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "createdAt": t.date(), "modifiedAt": t.date(), "addonVersion": addonVersions[name],
	}
	given(t.res.attrs, t.args, "addonVersion")
	if slices.Contains(needsNodes, name) {
		t.res.waiting = true
		for ng := range t.each(kindNodeGroup) {
			if ng.args.String("clusterName") == c.id && ng.active != Never {
				t.res.waiting, t.res.notBefore = false, ng.active+afterNodes
			}
		}
	}
	return nil
}

func checkAddon(t *tx) error {
	name := t.args.String("addonName")
	if addonVersions[name] == "" {
		return refuse("InvalidParameterException", "Addon %s specified is not supported", name)
	}
	if doc := t.args.String("configurationValues"); doc != "" && !json.Valid([]byte(doc)) {
		return refuse("InvalidParameterException", "ConfigurationValue provided in request is not supported: %s is no JSON", fmt.Sprintf("%.40q", doc))
	}
	for _, k := range []string{"resolveConflictsOnCreate", "resolveConflictsOnUpdate"} {
		if v := t.args.String(k); v != "" && !slices.Contains([]string{"NONE", "OVERWRITE", "PRESERVE"}, v) {
			return refuse("InvalidParameterException", "%s is no way to resolve conflicts", v)
		}
	}
	return nil
}
