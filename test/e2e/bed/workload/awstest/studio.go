package awstest

import (
	"slices"
	"strings"
)

const network = `
{apiVersion: ec2.aws.m, kind: VPC, metadata: {name: vpc}, spec: {forProvider: {cidrBlock: 10.42.0.0/16}}}
---
{apiVersion: ec2.aws.m, kind: Subnet, metadata: {name: one}, spec: {forProvider: {cidrBlock: 10.42.0.0/20, availabilityZoneId: use1-az1, vpcId: $vpc.id}}}
---
{apiVersion: ec2.aws.m, kind: Subnet, metadata: {name: two}, spec: {forProvider: {cidrBlock: 10.42.16.0/20, availabilityZoneId: use1-az2, vpcId: $vpc.id}}}
---
{apiVersion: ec2.aws.m, kind: Subnet, metadata: {name: public}, spec: {forProvider: {cidrBlock: 10.42.32.0/24, availabilityZoneId: use1-az1, vpcId: $vpc.id}}}
---
{apiVersion: ec2.aws.m, kind: InternetGateway, metadata: {name: igw}, spec: {forProvider: {vpcId: $vpc.id}}}
---
{apiVersion: ec2.aws.m, kind: EIP, metadata: {name: eip}, spec: {forProvider: {domain: vpc}}}
---
{apiVersion: ec2.aws.m, kind: NATGateway, metadata: {name: nat}, spec: {forProvider: {subnetId: $public.id, allocationId: $eip.id}}}
---
{apiVersion: ec2.aws.m, kind: RouteTable, metadata: {name: private}, spec: {forProvider: {vpcId: $vpc.id}}}
---
{apiVersion: ec2.aws.m, kind: Route, metadata: {name: out}, spec: {forProvider: {routeTableId: $private.id, destinationCidrBlock: 0.0.0.0/0, natGatewayId: $nat.id}}}
---
{apiVersion: ec2.aws.m, kind: RouteTableAssociation, metadata: {name: one-out}, spec: {forProvider: {routeTableId: $private.id, subnetId: $one.id}}}
---
{apiVersion: ec2.aws.m, kind: RouteTableAssociation, metadata: {name: two-out}, spec: {forProvider: {routeTableId: $private.id, subnetId: $two.id}}}`

// roles are those of the control plane, the nodes, the GPU nodes and Karpenter.
const roles = `
{apiVersion: iam.aws.m, kind: Role, metadata: {name: cluster-role}, spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"eks.amazonaws.com"}}]}'}}}
---
{apiVersion: iam.aws.m, kind: Role, metadata: {name: node-role}, spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}'}}}
---
{apiVersion: iam.aws.m, kind: Role, metadata: {name: gpu-role}, spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}'}}}
---
{apiVersion: iam.aws.m, kind: InstanceProfile, metadata: {name: gpu-profile}, spec: {forProvider: {role: gpu-role}}}
---
{apiVersion: iam.aws.m, kind: Role, metadata: {name: karpenter-role}, spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"Service":"pods.eks.amazonaws.com"}}]}'}}}
---
{apiVersion: sqs.aws.m, kind: Queue, metadata: {name: queue}, spec: {forProvider: {name: ` + Queue + `}}}`

const cluster = `
{apiVersion: eks.aws.m, kind: Cluster, metadata: {name: ` + Cluster + `}, spec: {forProvider: {roleArn: $cluster-role.arn, accessConfig: {authenticationMode: API}, vpcConfig: {subnetIds: [$one.id, $two.id]}}}}`

const nodes = `
{apiVersion: eks.aws.m, kind: NodeGroup, metadata: {name: system}, spec: {forProvider: {clusterName: ` + Cluster + `, nodeRoleArn: $node-role.arn, subnetIds: [$one.id, $two.id], amiType: AL2023_ARM_64_STANDARD, instanceTypes: [m7g.large], scalingConfig: {minSize: 2, desiredSize: 2, maxSize: 3}}}}
---
{apiVersion: eks.aws.m, kind: Addon, metadata: {name: cni}, spec: {forProvider: {clusterName: ` + Cluster + `, addonName: vpc-cni}}}
---
{apiVersion: eks.aws.m, kind: Addon, metadata: {name: agent}, spec: {forProvider: {clusterName: ` + Cluster + `, addonName: eks-pod-identity-agent}}}
---
{apiVersion: eks.aws.m, kind: PodIdentityAssociation, metadata: {name: identity}, spec: {forProvider: {clusterName: ` + Cluster + `, namespace: kube-system, serviceAccount: karpenter, roleArn: $karpenter-role.arn}}}
---
{apiVersion: eks.aws.m, kind: AccessEntry, metadata: {name: gpu-entry}, spec: {forProvider: {clusterName: ` + Cluster + `, principalArn: $gpu-role.arn, type: EC2_LINUX}}}`

// Permit gives Karpenter's role its policy, without the statements that are
// named: that of Karpenter's CloudFormation, for the studio's cluster, in one
// document, with the profile that the studio owns.
func (s *Studio) Permit(without ...string) {
	s.tb.Helper()

	statements := []string{}

	for sid, body := range map[string]string{ //nolint:gosec // PassRole is no password.
		"Launch":    `"Action":["ec2:RunInstances","ec2:CreateFleet"],"Resource":["arn:aws:ec2:us-east-1::image/*","arn:aws:ec2:us-east-1:*:security-group/*","arn:aws:ec2:us-east-1:*:subnet/*"]`,
		"Templates": `"Action":["ec2:RunInstances","ec2:CreateFleet"],"Resource":"arn:aws:ec2:us-east-1:*:launch-template/*","Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/studio":"owned"},"StringLike":{"aws:ResourceTag/karpenter.sh/nodepool":"*"}}`,
		"Tagged":    `"Action":["ec2:RunInstances","ec2:CreateFleet","ec2:CreateLaunchTemplate"],"Resource":["arn:aws:ec2:us-east-1:*:fleet/*","arn:aws:ec2:us-east-1:*:instance/*","arn:aws:ec2:us-east-1:*:volume/*","arn:aws:ec2:us-east-1:*:network-interface/*","arn:aws:ec2:us-east-1:*:launch-template/*"],"Condition":{"StringEquals":{"aws:RequestTag/kubernetes.io/cluster/studio":"owned","aws:RequestTag/eks:eks-cluster-name":"studio"},"StringLike":{"aws:RequestTag/karpenter.sh/nodepool":"*"}}`,
		"Tagging":   `"Action":"ec2:CreateTags","Resource":["arn:aws:ec2:us-east-1:*:fleet/*","arn:aws:ec2:us-east-1:*:instance/*","arn:aws:ec2:us-east-1:*:volume/*","arn:aws:ec2:us-east-1:*:network-interface/*","arn:aws:ec2:us-east-1:*:launch-template/*"],"Condition":{"StringEquals":{"aws:RequestTag/kubernetes.io/cluster/studio":"owned","ec2:CreateAction":["RunInstances","CreateFleet","CreateLaunchTemplate"]}}`,
		"Terminate": `"Action":["ec2:TerminateInstances","ec2:DeleteLaunchTemplate"],"Resource":["arn:aws:ec2:us-east-1:*:instance/*","arn:aws:ec2:us-east-1:*:launch-template/*"],"Condition":{"StringEquals":{"aws:ResourceTag/kubernetes.io/cluster/studio":"owned"},"StringLike":{"aws:ResourceTag/karpenter.sh/nodepool":"*"}}`,
		"Describe":  `"Action":"ec2:Describe*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}`,
		"Parameter": `"Action":"ssm:GetParameter","Resource":"arn:aws:ssm:us-east-1::parameter/aws/service/*"`,
		"Queue":     `"Action":["sqs:DeleteMessage","sqs:GetQueueUrl","sqs:ReceiveMessage"],"Resource":"arn:aws:sqs:us-east-1:123456789012:` + Queue + `"`,
		"PassRole":  `"Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/gpu-role","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`,
		"Spot":      `"Action":"iam:CreateServiceLinkedRole","Resource":"arn:aws:iam::123456789012:role/aws-service-role/spot.amazonaws.com/*","Condition":{"StringEquals":{"iam:AWSServiceName":"spot.amazonaws.com"}}`,
		"Profiles":  `"Action":["iam:ListInstanceProfiles","iam:GetInstanceProfile"],"Resource":"arn:aws:iam::123456789012:instance-profile/*"`,
		"Endpoint":  `"Action":"eks:DescribeCluster","Resource":"arn:aws:eks:us-east-1:123456789012:cluster/studio"`,
	} {
		if !slices.Contains(without, sid) {
			statements = append(statements, `{"Sid":"`+sid+`","Effect":"Allow",`+body+`}`)
		}
	}

	policy := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	s.Make(`{apiVersion: iam.aws.m, kind: RolePolicy, metadata: {name: karpenter}, spec: {forProvider: {role: karpenter-role, policy: '` + policy + `'}}}`)
}
