package cloud

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A refusalCase is a manifest that AWS refuses, and what it says.
type refusalCase struct {
	reason   string
	manifest string
	code     string
	message  string
}

func testRefusals(t *testing.T, group string, cases map[string]refusalCase, world ...string) {
	t.Helper()
	w := newWorld(t, world...)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			kind, args, _ := strings.Cut(tc.manifest, " ")
			c := w.call("apiVersion: " + group + ".aws.m.upbound.io/v1beta1\nkind: " + kind + "\n" + args)
			before := len(w.Ledger().Entries)
			_, err := w.Create(c)
			if diff := cmp.Diff(tc.code, Code(err)); diff != "" {
				t.Fatalf("%s\nCreate(...): -want code, +got code:\n%s\n%v", tc.reason, diff, err)
			}
			if !strings.Contains(err.Error(), tc.message) {
				t.Errorf("%s\nCreate(...): want message %q, got %q", tc.reason, tc.message, err)
			}
			if diff := cmp.Diff(before, len(w.Ledger().Entries)); diff != "" {
				t.Errorf("%s\nLedger(): -want entries, +got entries:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestEC2Refuses(t *testing.T) {
	at := "metadata: {name: x}\nspec: {forProvider: {region: us-east-1, "
	testRefusals(t, "ec2", map[string]refusalCase{
		"VPCWithoutCIDR":         {"A VPC needs a block.", "VPC " + at + "}}", "MissingParameter", "cidrBlock"},
		"VPCBadCIDR":             {"A block must parse.", "VPC " + at + "cidrBlock: 10.0.0.0}}", "InvalidParameterValue", "not a valid CIDR block"},
		"VPCHostBits":            {"A block has no host bits.", "VPC " + at + "cidrBlock: 10.0.0.1/16}}", "InvalidParameterValue", "host bits"},
		"VPCTooLarge":            {"A VPC is a /16 at most.", "VPC " + at + "cidrBlock: 10.0.0.0/8}}", "InvalidVpc.Range", "10.0.0.0/8"},
		"SubnetWithoutVPC":       {"No schema enforces vpcId.", "Subnet " + at + "cidrBlock: 10.42.64.0/20}}", "MissingParameter", "vpcId"},
		"SubnetWithoutCIDR":      {"Nor the block.", "Subnet " + at + "vpcId: $vpc.id}}", "MissingParameter", "cidrBlock"},
		"SubnetUnknownVPC":       {"The VPC must exist.", "Subnet " + at + "cidrBlock: 10.42.64.0/20, vpcId: vpc-0}}", "InvalidVpcID.NotFound", "'vpc-0' does not exist"},
		"SubnetOutside":          {"A subnet lies in its VPC.", "Subnet " + at + "cidrBlock: 10.99.0.0/20, vpcId: $vpc.id}}", "InvalidSubnet.Range", "10.99.0.0/20"},
		"SubnetLarger":           {"A subnet is no larger than its VPC.", "Subnet " + at + "cidrBlock: 10.42.0.0/15, vpcId: $vpc.id}}", "InvalidSubnet.Range", "10.42.0.0/15"},
		"SubnetOverlap":          {"Subnets do not overlap.", "Subnet " + at + "cidrBlock: 10.42.8.0/24, vpcId: $vpc.id}}", "InvalidSubnet.Conflict", "conflicts with another subnet"},
		"SubnetUnknownZone":      {"Zones are the region's.", "Subnet " + at + "cidrBlock: 10.42.64.0/20, vpcId: $vpc.id, availabilityZoneId: apne1-az1}}", "InvalidParameterValue", "use1-az1, use1-az2"},
		"SubnetUnknownLetter":    {"So are their letters.", "Subnet " + at + "cidrBlock: 10.42.64.0/20, vpcId: $vpc.id, availabilityZone: us-east-1x}}", "InvalidParameterValue", "us-east-1x"},
		"SecondGateway":          {"A VPC has one internet gateway.", "InternetGateway " + at + "vpcId: $vpc.id}}", "InvalidParameterValue", "already has an internet gateway attached"},
		"GatewayUnknownVPC":      {"The VPC must exist.", "InternetGateway " + at + "vpcId: vpc-0}}", "InvalidVpcID.NotFound", "vpc-0"},
		"EIPDeadInterface":       {"Late initialisation may have pinned an interface that is gone.", "EIP " + at + "networkInterface: eni-0}}", "InvalidNetworkInterfaceID.NotFound", "eni-0"},
		"NATWithoutSubnet":       {"A zonal gateway needs a subnet.", "NATGateway " + at + "allocationId: $spare.id}}", "MissingParameter", "subnetId"},
		"NATWithoutAddress":      {"A public gateway needs an address.", "NATGateway " + at + "subnetId: $one.id}}", "MissingParameter", "AllocationId"},
		"NATUnknownAddress":      {"The address must exist.", "NATGateway " + at + "subnetId: $one.id, allocationId: eipalloc-0}}", "InvalidAllocationID.NotFound", "eipalloc-0"},
		"NATAddressInUse":        {"An address serves one gateway.", "NATGateway " + at + "subnetId: $two.id, allocationId: $eip.id}}", "Resource.AlreadyAssociated", "already associated"},
		"NATWithoutIGW":          {"A public gateway needs an internet gateway.", "NATGateway " + at + "subnetId: $foreign.id, allocationId: $spare.id}}", "Gateway.NotAttached", "no Internet gateway"},
		"RegionalNATWithSubnet":  {"A regional gateway has no subnet.", "NATGateway " + at + "availabilityMode: regional, vpcId: $vpc.id, subnetId: $one.id}}", "InvalidParameterCombination", "neither a subnet"},
		"RegionalNATWithoutVPC":  {"A regional gateway needs the VPC.", "NATGateway " + at + "availabilityMode: regional}}", "MissingParameter", "VpcId"},
		"TableWithoutVPC":        {"No schema enforces vpcId.", "RouteTable " + at + "}}", "MissingParameter", "vpcId"},
		"RouteWithoutTable":      {"Nor the table.", "Route " + at + "destinationCidrBlock: 0.0.0.0/0, natGatewayId: $nat.id}}", "MissingParameter", "routeTableId"},
		"RouteWithoutTarget":     {"A route leads somewhere.", "Route " + at + "routeTableId: $faraway.id, destinationCidrBlock: 0.0.0.0/0}}", "MissingParameter", "exactly one of"},
		"RouteUnknownNAT":        {"The gateway must be there.", "Route " + at + "routeTableId: $faraway.id, destinationCidrBlock: 0.0.0.0/0, natGatewayId: nat-0}}", "InvalidNatGatewayID.NotFound", "nat-0"},
		"RouteForeignGateway":    {"The gateway is the VPC's own.", "Route " + at + "routeTableId: $faraway.id, destinationCidrBlock: 0.0.0.0/0, gatewayId: $igw.id}}", "InvalidParameterValue", "different networks"},
		"RouteTwice":             {"A destination has one route.", "Route " + at + "routeTableId: $table.id, destinationCidrBlock: 0.0.0.0/0, gatewayId: $igw.id}}", "RouteAlreadyExists", "0.0.0.0/0"},
		"AssociationTwice":       {"A subnet has one table.", "RouteTableAssociation " + at + "routeTableId: $table.id, subnetId: $two.id}}", "Resource.AlreadyAssociated", "conflicts"},
		"AssociationForeign":     {"Of its own VPC.", "RouteTableAssociation " + at + "routeTableId: $table.id, subnetId: $foreign.id}}", "InvalidParameterValue", "different networks"},
		"EndpointUnknownService": {"Services are the region's.", "VPCEndpoint " + at + "vpcId: $vpc.id, serviceName: com.amazonaws.eu-west-1.s3}}", "InvalidServiceName", "does not exist"},
		"EndpointNoGateway":      {"Only S3 and DynamoDB have gateways.", "VPCEndpoint " + at + "vpcId: $vpc.id, serviceName: com.amazonaws.us-east-1.sqs, vpcEndpointType: Gateway}}", "InvalidParameter", "not supported"},
		"EndpointAssociation":    {"The table is the VPC's own.", "VPCEndpointRouteTableAssociation " + at + "vpcEndpointId: $endpoint.id, routeTableId: $faraway.id}}", "InvalidParameter", "different network"},
		"GroupWithoutVPC":        {"There is no default VPC.", "SecurityGroup " + at + "name: a}}", "MissingParameter", "vpcId"},
		"GroupTwice":             {"Names are unique in a VPC.", "SecurityGroup " + at + "name: alb, vpcId: $vpc.id}}", "InvalidGroup.Duplicate", "already exists"},
		"GroupName":              {"Names do not look like ids.", "SecurityGroup " + at + "name: sg-a, vpcId: $vpc.id}}", "InvalidParameterValue", "GroupName"},
		"GroupDescription":       {"Descriptions are plain.", "SecurityGroup " + at + "name: a, description: it's, vpcId: $vpc.id}}", "InvalidParameterValue", "GroupDescription"},
		"RuleUnknownGroup":       {"The group must exist.", "SecurityGroupIngressRule " + at + "securityGroupId: sg-0, cidrIpv4: 10.0.0.0/8, ipProtocol: tcp, fromPort: 1, toPort: 1}}", "InvalidGroup.NotFound", "sg-0"},
		"RuleWithoutPeer":        {"A rule has one peer.", "SecurityGroupEgressRule " + at + "securityGroupId: $sg.id, ipProtocol: tcp, fromPort: 1, toPort: 1}}", "InvalidParameterCombination", "exactly one"},
		"RuleBadPeer":            {"A peer's block has no host bits.", "SecurityGroupEgressRule " + at + "securityGroupId: $sg.id, cidrIpv4: 10.0.0.1/8, ipProtocol: tcp, fromPort: 1, toPort: 1}}", "InvalidParameterValue", "malformed"},
		"RuleWithoutPorts":       {"TCP has ports.", "SecurityGroupIngressRule " + at + "securityGroupId: $sg.id, cidrIpv4: 10.0.0.0/8, ipProtocol: tcp}}", "InvalidParameterValue", "ports"},
		"RuleTwice":              {"Rules are unique.", "SecurityGroupIngressRule " + at + "securityGroupId: $sg.id, referencedSecurityGroupId: $peer.id, ipProtocol: tcp, fromPort: 80, toPort: 80}}", "InvalidPermission.Duplicate", "already exists"},
		"OldRuleTwice":           {"Whatever kind made them.", "SecurityGroupRule " + at + "securityGroupId: $sg.id, type: ingress, sourceSecurityGroupId: $peer.id, protocol: tcp, fromPort: 80, toPort: 80}}", "InvalidPermission.Duplicate", "already exists"},
		"RulePrefixList":         {"Prefix lists have ids.", "SecurityGroupIngressRule " + at + "securityGroupId: $sg.id, prefixListId: pl-cloudfront, ipProtocol: tcp, fromPort: 443, toPort: 443}}", "InvalidPrefixListID.NotFound", "pl-cloudfront"},
	}, testNetwork)
}

func TestIAMRefuses(t *testing.T) {
	role := func(doc string) string {
		return "Role metadata: {name: x}\nspec: {forProvider: {assumeRolePolicy: '" + doc + "'}}"
	}
	policy := func(doc string) string {
		return "Policy metadata: {name: x}\nspec: {forProvider: {policy: '" + doc + "'}}"
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"a"},"Action":"sts:AssumeRole"}]}`
	bad := "MalformedPolicyDocument"
	testRefusals(t, "iam", map[string]refusalCase{
		"RoleWithoutTrust":    {"A role needs a trust policy.", "Role metadata: {name: x}\nspec: {forProvider: {}}", "MissingParameter", "assumeRolePolicy"},
		"RoleNameTooLong":     {"Role names have 64 characters.", "Role metadata: {name: " + strings.Repeat("r", 65) + "}\nspec: {forProvider: {assumeRolePolicy: '" + trust + "'}}", "ValidationError", "less than or equal to 64"},
		"RoleNameCharacters":  {"And no slashes.", "Role metadata: {name: a/b}\nspec: {forProvider: {assumeRolePolicy: '" + trust + "'}}", "ValidationError", "alphanumeric"},
		"RoleTaken":           {"Role names are the account's.", "Role metadata: {name: node-role}\nspec: {forProvider: {assumeRolePolicy: '" + trust + "'}}", "EntityAlreadyExists", "node-role"},
		"RoleSession":         {"Sessions last at least an hour.", "Role metadata: {name: x}\nspec: {forProvider: {maxSessionDuration: 60, assumeRolePolicy: '" + trust + "'}}", "ValidationError", "maxSessionDuration"},
		"TrustNoJSON":         {"A policy is JSON.", role(`{`), bad, "invalid Json"},
		"TrustUnknownElement": {"Elements are known.", role(`{"Version":"2012-10-17","Statements":[]}`), bad, "unknown element Statements"},
		"TrustVersion":        {"The version is one of two.", role(`{"Version":"2020-01-01","Statement":[]}`), bad, "valid version"},
		"TrustNoStatement":    {"There is a statement.", role(`{"Version":"2012-10-17","Statement":[]}`), bad, "at least one"},
		"TrustNoPrincipal":    {"A trust policy has principals.", role(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}`), bad, "Principal"},
		"TrustBadPrincipal":   {"Of known types.", role(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Services":"a"},"Action":"sts:AssumeRole"}]}`), bad, "Invalid principal"},
		"TrustResource":       {"And no resources.", role(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"a"},"Action":"sts:AssumeRole","Resource":"*"}]}`), bad, "prohibited field Resource"},
		"TrustAction":         {"And only actions of STS.", role(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"a"},"Action":"s3:GetObject"}]}`), bad, "STS AssumeRole"},
		"PolicyPrincipal":     {"An identity policy has no principal.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`), bad, "should not specify a principal"},
		"PolicyNoResource":    {"It has resources.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject"}]}`), bad, "must contain resources"},
		"PolicyNoAction":      {"It has actions.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*"}]}`), bad, "must contain actions"},
		"PolicyBadAction":     {"Of a service.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"GetObject","Resource":"*"}]}`), bad, "prefaced by a vendor"},
		"PolicyBadResource":   {"Resources are ARNs.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"bucket"}]}`), bad, "ARN format"},
		"PolicyEffect":        {"Effects are two.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"s3:GetObject","Resource":"*"}]}`), bad, "Invalid effect"},
		"PolicySid":           {"Sids are alphanumeric.", policy(`{"Version":"2012-10-17","Statement":[{"Sid":"a-b","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`), bad, "SID"},
		"PolicySids":          {"And unique.", policy(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`), bad, "unique"},
		"PolicyCondition":     {"Conditions are operators.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"aws:SecureTransport":"true"}}]}`), bad, "Condition"},
		"PolicyTooLong":       {"Policies have 6144 characters.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + strings.Repeat("b", 6200) + `"}]}`), "LimitExceeded", "6144"},
		"InlineUnknownRole":   {"The role must exist.", "RolePolicy metadata: {name: x}\nspec: {forProvider: {role: nobody, policy: '{}'}}", "NoSuchEntity", "nobody"},
		"InlineWithoutRole":   {"No schema enforces the role.", "RolePolicy metadata: {name: x}\nspec: {forProvider: {policy: '{}'}}", "MissingParameter", "role"},
		"AttachUnknownRole":   {"The role must exist.", "RolePolicyAttachment metadata: {name: x}\nspec: {forProvider: {role: nobody, policyArn: $policy.arn}}", "NoSuchEntity", "nobody"},
		"AttachUnknownPolicy": {"So must the policy.", "RolePolicyAttachment metadata: {name: x}\nspec: {forProvider: {role: node-role, policyArn: 'arn:aws:iam::aws:policy/AmazonEKSNodePolicy'}}", "NoSuchEntity", "not attachable"},
		"ProfileUnknownRole":  {"The role must exist.", "InstanceProfile metadata: {name: x}\nspec: {forProvider: {role: nobody}}", "NoSuchEntity", "nobody"},
	}, testNetwork, testCluster)
}

func TestEKSRefuses(t *testing.T) {
	at := "metadata: {name: x}\nspec: {forProvider: {region: us-east-1, "
	in := at + "clusterName: studio, "
	scaling := "scalingConfig: {minSize: 1, desiredSize: 1, maxSize: 2}"
	testRefusals(t, "eks", map[string]refusalCase{
		"ClusterWithoutRole":    {"No schema enforces the role.", "Cluster " + at + "vpcConfig: {subnetIds: [$one.id, $two.id]}}}", "MissingParameter", "roleArn"},
		"ClusterWithoutSubnets": {"Nor the subnets.", "Cluster " + at + "roleArn: $cluster_role.arn, vpcConfig: {}}}", "MissingParameter", "vpcConfig.subnetIds"},
		"ClusterUnknownRole":    {"The role must exist.", "Cluster " + at + "roleArn: 'arn:aws:iam::123456789012:role/nobody', vpcConfig: {subnetIds: [$one.id, $two.id]}}}", "InvalidParameterException", "could not be assumed"},
		"ClusterWrongRole":      {"And trust EKS.", "Cluster " + at + "roleArn: $node_role.arn, vpcConfig: {subnetIds: [$one.id, $two.id]}}}", "InvalidParameterException", "could not be assumed"},
		"ClusterOneZone":        {"A cluster needs two zones.", "Cluster " + at + "roleArn: $cluster_role.arn, vpcConfig: {subnetIds: [$one.id]}}}", "InvalidParameterException", "at least two different AZs"},
		"ClusterExcludedZone":   {"Some zones take no cluster.", "Cluster " + at + "roleArn: $cluster_role.arn, vpcConfig: {subnetIds: [$one.id, $excluded.id]}}}", "UnsupportedAvailabilityZoneException", "use1-az3"},
		"ClusterTwoVPCs":        {"Subnets are of one VPC.", "Cluster " + at + "roleArn: $cluster_role.arn, vpcConfig: {subnetIds: [$one.id, $foreign.id]}}}", "InvalidParameterException", "same VPC"},
		"ClusterVersion":        {"Versions are supported ones.", "Cluster " + at + "version: '1.20', roleArn: $cluster_role.arn, vpcConfig: {subnetIds: [$one.id, $two.id]}}}", "InvalidParameterException", "unsupported Kubernetes version"},
		"ClusterName":           {"Names have no dots.", "Cluster metadata: {name: a.b}\nspec: {forProvider: {region: us-east-1, roleArn: $cluster_role.arn, vpcConfig: {subnetIds: [$one.id, $two.id]}}}", "InvalidParameterException", "a.b"},
		"ClusterTaken":          {"Names are the region's.", "Cluster metadata: {name: studio}\nspec: {forProvider: {region: us-east-1, roleArn: $cluster_role.arn, vpcConfig: {subnetIds: [$one.id, $two.id]}}}", "ResourceInUseException", "already exists"},
		"NodesWithoutCluster":   {"No schema enforces the cluster.", "NodeGroup " + at + "nodeRoleArn: $node_role.arn, subnetIds: [$one.id], " + scaling + "}}", "MissingParameter", "clusterName"},
		"NodesUnknownCluster":   {"The cluster must exist.", "NodeGroup " + at + "clusterName: no, nodeRoleArn: $node_role.arn, subnetIds: [$one.id], " + scaling + "}}", "ResourceNotFoundException", "No cluster found"},
		"NodesWrongRole":        {"The role must trust EC2.", "NodeGroup " + in + "nodeRoleArn: $cluster_role.arn, subnetIds: [$one.id], " + scaling + "}}", "InvalidParameterException", "[ec2.amazonaws.com]"},
		"NodesForeignSubnet":    {"Subnets are the cluster's VPC's.", "NodeGroup " + in + "nodeRoleArn: $node_role.arn, subnetIds: [$foreign.id], " + scaling + "}}", "InvalidParameterException", "not in the cluster's VPC"},
		"NodesScaling":          {"Sizes are in order.", "NodeGroup " + in + "nodeRoleArn: $node_role.arn, subnetIds: [$one.id], scalingConfig: {minSize: 3, desiredSize: 2, maxSize: 4}}}", "InvalidParameterException", "can't be greater than desired size"},
		"NodesArchitecture":     {"Instances fit the image.", "NodeGroup " + in + "amiType: AL2023_ARM_64_STANDARD, instanceTypes: [m7i.large], nodeRoleArn: $node_role.arn, subnetIds: [$one.id], " + scaling + "}}", "InvalidParameterException", "not a valid instance type"},
		"AddonWithoutCluster":   {"No schema enforces the cluster.", "Addon " + at + "addonName: coredns}}", "MissingParameter", "clusterName"},
		"AddonUnknown":          {"Add-ons are known.", "Addon " + in + "addonName: cordns}}", "InvalidParameterException", "not supported"},
		"AddonConfiguration":    {"Their configuration is JSON.", "Addon " + in + "addonName: coredns, configurationValues: 'replicas: 1'}}", "InvalidParameterException", "ConfigurationValue"},
		"AddonTwice":            {"There is one of each.", "Addon " + in + "addonName: vpc-cni}}", "ResourceInUseException", "already exists"},
		"EntryWithoutPrincipal": {"No schema enforces the principal.", "AccessEntry " + in + "type: STANDARD}}", "MissingParameter", "principalArn"},
		"EntryTwice":            {"A principal has one entry.", "AccessEntry " + in + "principalArn: $gpu_role.arn}}", "ResourceInUseException", "already in use on this cluster"},
		"EntryOfNodeGroup":      {"EKS made that of the node group's role.", "AccessEntry " + in + "type: EC2_LINUX, principalArn: $node_role.arn}}", "ResourceInUseException", "already in use on this cluster"},
		"EntryPrincipal":        {"Principals are roles and users.", "AccessEntry " + in + "principalArn: 'arn:aws:iam::aws:policy/a'}}", "InvalidParameterException", "invalid principal"},
		"EntryGroups":           {"Nodes have no groups of ours.", "AccessEntry " + in + "type: EC2_LINUX, kubernetesGroups: [admins], principalArn: $pod_role.arn}}", "InvalidParameterException", "groups"},
		"PolicyWithoutEntry":    {"A policy needs an entry.", "AccessPolicyAssociation " + in + "principalArn: $pod_role.arn, policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy', accessScope: {type: cluster}}}", "ResourceNotFoundException", "principalArn could not be found"},
		"PolicyOfNodes":         {"A standard one.", "AccessPolicyAssociation " + in + "principalArn: $gpu_role.arn, policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy', accessScope: {type: cluster}}}", "InvalidRequestException", "EC2_LINUX"},
		"PodTwice":              {"An account has one association.", "PodIdentityAssociation " + in + "namespace: kube-system, serviceAccount: karpenter, roleArn: $pod_role.arn}}", "ResourceInUseException", "already exists"},
		"PodUnknownRole":        {"The role must exist.", "PodIdentityAssociation " + in + "namespace: a, serviceAccount: b, roleArn: 'arn:aws:iam::123456789012:role/nobody'}}", "InvalidParameterException", "does not exist"},
		"PodWrongRole":          {"And trust Pod Identity.", "PodIdentityAssociation " + in + "namespace: a, serviceAccount: b, roleArn: $node_role.arn}}", "InvalidParameterException", "pods.eks.amazonaws.com"},
		"PodWithoutCluster":     {"No schema enforces the cluster.", "PodIdentityAssociation " + at + "namespace: a, serviceAccount: b, roleArn: $pod_role.arn}}", "MissingParameter", "clusterName"},
	}, testNetwork, testCluster)
}
