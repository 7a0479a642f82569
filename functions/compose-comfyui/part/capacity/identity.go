package capacity

import (
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/role"
)

// identity is the role that Karpenter's pods take on.
func identity(p plan.Plan, f facts.Facts, d *kit.Desired) {
	d.Add(plan.KarpenterRole, role.New("Makes the studio's GPU nodes", policy.AssumedByPods()))

	g := kit.All(knowsAccount(p), needsNetwork(f))
	d.AddWhen(g, plan.KarpenterPolicy, role.Policy(d, plan.KarpenterRole, policy.Document(karpenterMay(p, f)...)))

	// Pods that start before their association have no credentials until they
	// are started again.
	d.AddWhen(kit.After(plan.KarpenterPolicy), plan.KarpenterIdentity, role.ForPods(d, plan.KarpenterRole, plan.SystemNamespace, plan.KarpenterName))
}

// needsNetwork opens when it is known where nodes may be.
func needsNetwork(f facts.Facts) kit.Gate {
	subnets := ""
	if len(f.PrivateSubnetIDs) > 0 {
		subnets = f.PrivateSubnetIDs[0]
	}

	return kit.All(kit.Needs(subnets, "the private subnets' ids"), kit.Needs(f.ClusterSecurityGroupID, "the cluster's security group"))
}

// karpenterMay is what Karpenter's own CloudFormation template grants (its guide
// "Getting Started", version 1.14), with less: nodes only in the studio's subnets
// and security group, no reservations or placement groups, and none of the
// statements about instance profiles but to read ours, since the nodes' profile
// is a resource of the studio. And with one more, the role that EC2 makes in an
// account's first spot request.
func karpenterMay(p plan.Plan, f facts.Facts) []policy.Statement {
	return append(launch(p, f), policy.Statement{
		Sid: "PassNodeRole", Effect: policy.Allow, Action: []string{"iam:PassRole"}, Resource: []string{p.GPUNodeRoleARN()},
		Condition: policy.Condition{equals: {"iam:PassedToService": {"ec2.amazonaws.com"}}},
	}, policy.Statement{
		Sid: "FirstSpotRequest", Effect: policy.Allow, Action: []string{"iam:CreateServiceLinkedRole"},
		Resource:  []string{"arn:aws:iam::" + p.Account + ":role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"},
		Condition: policy.Condition{equals: {"iam:AWSServiceName": {"spot.amazonaws.com"}}},
	}, policy.Statement{
		Sid: "ReadCluster", Effect: policy.Allow, Action: []string{"eks:DescribeCluster"}, Resource: []string{p.ClusterARN()},
	}, policy.Statement{
		Sid: "ReadInterruptions", Effect: policy.Allow,
		Action:   []string{"sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"},
		Resource: []string{p.InterruptionQueueARN()},
	}, policy.Statement{
		Sid: "ReadImageParameters", Effect: policy.Allow, Action: []string{"ssm:GetParameter"},
		Resource: []string{"arn:aws:ssm:" + p.RegionName + "::parameter/aws/service/*"},
	}, policy.Statement{
		// Before it lets go of a class, Karpenter looks for the profile that older
		// versions named after the cluster; refused, the class stays for ever.
		Sid: "ReadInstanceProfiles", Effect: policy.Allow, Action: []string{"iam:GetInstanceProfile"},
		Resource: []string{p.InstanceProfileARN(), p.OldInstanceProfilesARN()},
	}, policy.Statement{
		// EC2 knows no resources for these.
		Sid: "ReadRegion", Effect: policy.Allow, Resource: []string{"*"},
		Action: []string{
			"ec2:DescribeCapacityReservations", "ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus",
			"ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplates", "ec2:DescribePlacementGroups",
			"ec2:DescribeSecurityGroups", "ec2:DescribeSpotPriceHistory", "ec2:DescribeSubnets",
		},
		Condition: policy.Condition{equals: {"aws:RequestedRegion": {p.RegionName}}},
	}, policy.Statement{
		// Neither the price list nor the listing of profiles, which Karpenter looks
		// through for those that it left behind, can be narrowed down.
		Sid: "ReadAccount", Effect: policy.Allow, Resource: []string{"*"}, Action: []string{"iam:ListInstanceProfiles", "pricing:GetProducts"},
	})
}

// launch is what it takes to make nodes, and to take away those of this cluster
// alone: everything is tagged with the cluster as it is made.
func launch(p plan.Plan, f facts.Facts) []policy.Statement {
	create := []string{"ec2:CreateFleet", "ec2:RunInstances"}
	made := ec2ARNs(p, "fleet/*", "instance/*", "launch-template/*", "network-interface/*", "spot-instances-request/*", "volume/*")

	places := ec2ARNs(p, "security-group/"+f.ClusterSecurityGroupID)
	for _, id := range f.PrivateSubnetIDs {
		places = append(places, ec2ARNs(p, "subnet/"+id)...)
	}

	// Images and their snapshots are Amazon's, so these have no account.
	images := []string{"arn:aws:ec2:" + p.RegionName + "::image/*", "arn:aws:ec2:" + p.RegionName + "::snapshot/*"}

	asItIsMade := tagged(p, onRequest)
	asItIsMade[equals]["ec2:CreateAction"] = []string{"CreateFleet", "CreateLaunchTemplate", "RunInstances"}

	named := tagged(p, onResource)
	named["StringEqualsIfExists"] = map[string][]string{onRequest + clusterNameTag: {p.ClusterName()}}
	named["ForAllValues:StringEquals"] = map[string][]string{"aws:TagKeys": {"Name", clusterNameTag, "karpenter.sh/nodeclaim"}}

	return []policy.Statement{{
		Sid: "LaunchFromAndInto", Effect: policy.Allow, Action: create, Resource: append(images, places...),
	}, {
		Sid: "LaunchFromTemplate", Effect: policy.Allow, Action: create,
		Resource: ec2ARNs(p, "launch-template/*"), Condition: tagged(p, onResource),
	}, {
		Sid: "Launch", Effect: policy.Allow, Action: []string{"ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:RunInstances"},
		Resource: made, Condition: tagged(p, onRequest),
	}, {
		Sid: "TagWhatIsMade", Effect: policy.Allow, Action: []string{"ec2:CreateTags"}, Resource: made, Condition: asItIsMade,
	}, {
		Sid: "TagNodes", Effect: policy.Allow, Action: []string{"ec2:CreateTags"}, Resource: ec2ARNs(p, "instance/*"), Condition: named,
	}, {
		Sid: "TakeAway", Effect: policy.Allow, Action: []string{"ec2:DeleteLaunchTemplate", "ec2:TerminateInstances"},
		Resource: ec2ARNs(p, "instance/*", "launch-template/*"), Condition: tagged(p, onResource),
	}}
}

// equals is the operator of most conditions.
const equals = "StringEquals"

// Where a condition looks for tags.
const (
	onRequest  = "aws:RequestTag/"
	onResource = "aws:ResourceTag/"
)

// clusterNameTag is one of the tags that Karpenter puts on everything it makes.
const clusterNameTag = "eks:eks-cluster-name"

// tagged holds where the request or the resource carries the tags of a node of
// this cluster, or of something that belongs to one.
func tagged(p plan.Plan, where string) policy.Condition {
	c := policy.Condition{
		equals:       {where + "kubernetes.io/cluster/" + p.ClusterName(): {"owned"}},
		"StringLike": {where + "karpenter.sh/nodepool": {"*"}},
	}

	if where == onRequest {
		c[equals][where+clusterNameTag] = []string{p.ClusterName()}
	}

	return c
}

// ec2ARNs are ARNs of the studio's account and region.
func ec2ARNs(p plan.Plan, resources ...string) []string {
	out := make([]string, 0, len(resources))
	for _, r := range resources {
		out = append(out, "arn:aws:ec2:"+p.RegionName+":"+p.Account+":"+r)
	}

	return out
}
