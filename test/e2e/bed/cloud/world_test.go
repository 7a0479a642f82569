package cloud

import (
	"context"
	"strings"
	"testing"
	"time"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// A world is an account and what a test made in it, by name.
type world struct {
	testing.TB
	*AWS

	made map[string]Resource
}

// hasty is a scale at which nothing takes time.
const hasty = 10e6

// newWorld makes an account with a network, roles, a cluster, buckets and
// queues in it.
func newWorld(tb testing.TB, manifests ...string) *world {
	tb.Helper()
	w := &world{TB: tb, AWS: New(Options{Scale: hasty, ForeignBuckets: []string{"somebody-elses"}}), made: map[string]Resource{}}
	for _, m := range manifests {
		for doc := range strings.SplitSeq(m, "\n---\n") {
			w.make(doc)
		}
	}
	return w
}

// call reads a manifest as the provider would call AWS for it. $name.field
// stands for an attribute of what was made before.
func (w *world) call(manifest string) Call {
	w.Helper()
	for name, r := range w.made {
		for _, field := range []string{"arn", "id", "defaultSecurityGroupId"} {
			manifest = strings.ReplaceAll(manifest, "$"+name+"."+field, r.Observed().String(field))
		}
		for _, proof := range r.Attrs.List("domainValidationOptions") {
			manifest = strings.ReplaceAll(manifest, "$"+name+".record", strings.TrimSuffix(proof.String("resourceRecordName"), "."))
			manifest = strings.ReplaceAll(manifest, "$"+name+".value", proof.String("resourceRecordValue"))
		}
		for _, cluster := range r.Attrs.List("vpcConfig") {
			manifest = strings.ReplaceAll(manifest, "$"+name+".sg", cluster.String("clusterSecurityGroupId"))
		}
	}
	j, err := yaml.YAMLToJSON([]byte(manifest))
	if err != nil {
		w.Fatalf("bad manifest: %v\n%s", err, manifest)
	}
	m := map[string]any{}
	if err := kjson.Unmarshal(j, &m); err != nil {
		w.Fatalf("bad manifest: %v\n%s", err, manifest)
	}
	v := Values(m)
	group, _, _ := strings.Cut(v.String("apiVersion"), "/")
	args, _ := v.Get("spec.forProvider").(map[string]any)
	name := v.String("metadata.name")
	if annotations, ok := v.Get("metadata.annotations").(map[string]any); ok {
		name, _ = annotations["crossplane.io/external-name"].(string)
	}
	c := Call{Kind: KindOf(group, v.String("kind")), Owner: Owner{"art", v.String("metadata.name")}, Name: name, Args: args}
	if !w.Knows(c.Kind) {
		w.Fatalf("no rule for %s", c.Kind)
	}
	c.ID, _ = w.Identity(c)
	return c
}

// make creates what must be there and waits for it.
func (w *world) make(manifest string) Resource {
	w.Helper()
	c := w.call(manifest)
	r, err := w.Create(c)
	if err != nil {
		w.Fatalf("cannot make %s: %v", c.Kind, err)
	}
	c.ID = r.ID
	if r, err = w.Await(context.Background(), c, time.Hour); err != nil {
		w.Fatalf("cannot wait for %s: %v", c.Kind, err)
	}
	w.made[strings.ReplaceAll(c.Owner.Name, "-", "_")] = r
	return r
}

const testNetwork = `
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: VPC
metadata: {name: vpc}
spec: {forProvider: {region: us-east-1, cidrBlock: 10.42.0.0/16}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: VPC
metadata: {name: elsewhere}
spec: {forProvider: {region: us-east-1, cidrBlock: 10.43.0.0/16}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Subnet
metadata: {name: one}
spec: {forProvider: {region: us-east-1, cidrBlock: 10.42.0.0/20, availabilityZoneId: use1-az1, vpcId: $vpc.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Subnet
metadata: {name: two}
spec: {forProvider: {region: us-east-1, cidrBlock: 10.42.16.0/20, availabilityZoneId: use1-az2, vpcId: $vpc.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Subnet
metadata: {name: excluded}
spec: {forProvider: {region: us-east-1, cidrBlock: 10.42.32.0/20, availabilityZoneId: use1-az3, vpcId: $vpc.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Subnet
metadata: {name: foreign}
spec: {forProvider: {region: us-east-1, cidrBlock: 10.43.0.0/20, availabilityZoneId: use1-az2, vpcId: $elsewhere.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: InternetGateway
metadata: {name: igw}
spec: {forProvider: {region: us-east-1, vpcId: $vpc.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: EIP
metadata: {name: eip}
spec: {forProvider: {region: us-east-1, domain: vpc}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: EIP
metadata: {name: spare}
spec: {forProvider: {region: us-east-1, domain: vpc}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: NATGateway
metadata: {name: nat}
spec: {forProvider: {region: us-east-1, allocationId: $eip.id, subnetId: $one.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: RouteTable
metadata: {name: table}
spec: {forProvider: {region: us-east-1, vpcId: $vpc.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: RouteTable
metadata: {name: faraway}
spec: {forProvider: {region: us-east-1, vpcId: $elsewhere.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Route
metadata: {name: default}
spec: {forProvider: {region: us-east-1, routeTableId: $table.id, destinationCidrBlock: 0.0.0.0/0, natGatewayId: $nat.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: RouteTableAssociation
metadata: {name: assoc}
spec: {forProvider: {region: us-east-1, routeTableId: $table.id, subnetId: $two.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: VPCEndpoint
metadata: {name: endpoint}
spec: {forProvider: {region: us-east-1, serviceName: com.amazonaws.us-east-1.s3, vpcId: $vpc.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: SecurityGroup
metadata: {name: sg}
spec: {forProvider: {region: us-east-1, name: alb, description: load balancer, vpcId: $vpc.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: SecurityGroup
metadata: {name: peer}
spec: {forProvider: {region: us-east-1, name: peer, description: peer, vpcId: $vpc.id}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: SecurityGroupIngressRule
metadata: {name: http}
spec: {forProvider: {region: us-east-1, securityGroupId: $sg.id, referencedSecurityGroupId: $peer.id, ipProtocol: tcp, fromPort: 80, toPort: 80}}
`

const testCluster = `
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Role
metadata: {name: cluster-role}
spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}'}}
---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Role
metadata: {name: node-role}
spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'}}
---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Role
metadata: {name: pod-role}
spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}'}}
---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Role
metadata: {name: gpu-role}
spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'}}
---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Policy
metadata: {name: policy}
spec: {forProvider: {policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}'}}
---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: RolePolicyAttachment
metadata: {name: attachment}
spec: {forProvider: {role: node-role, policyArn: $policy.arn}}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: Cluster
metadata: {name: studio}
spec: {forProvider: {region: us-east-1, roleArn: $cluster_role.arn, accessConfig: {authenticationMode: API}, vpcConfig: {subnetIds: [$one.id, $two.id]}}}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: NodeGroup
metadata: {name: system}
spec: {forProvider: {region: us-east-1, clusterName: studio, nodeRoleArn: $node_role.arn, subnetIds: [$one.id, $two.id], scalingConfig: {minSize: 1, desiredSize: 1, maxSize: 2}}}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: AccessEntry
metadata: {name: entry}
spec: {forProvider: {region: us-east-1, clusterName: studio, principalArn: $gpu_role.arn, type: EC2_LINUX}}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: PodIdentityAssociation
metadata: {name: pod}
spec: {forProvider: {region: us-east-1, clusterName: studio, namespace: kube-system, serviceAccount: karpenter, roleArn: $pod_role.arn}}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: Addon
metadata: {name: cni}
spec: {forProvider: {region: us-east-1, clusterName: studio, addonName: vpc-cni}}
`

const testStorage = `
apiVersion: s3.aws.m.upbound.io/v1beta1
kind: Bucket
metadata: {name: models}
spec: {forProvider: {region: us-east-1}}
---
apiVersion: s3.aws.m.upbound.io/v1beta1
kind: BucketPublicAccessBlock
metadata: {name: block}
spec: {forProvider: {region: us-east-1, bucket: models, blockPublicPolicy: true}}
---
apiVersion: sqs.aws.m.upbound.io/v1beta1
kind: Queue
metadata: {name: queue}
spec: {forProvider: {region: us-east-1, name: queue, visibilityTimeoutSeconds: 30}}
---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Role
metadata: {name: lambda-role}
spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","codebuild.amazonaws.com","scheduler.amazonaws.com"]},"Action":"sts:AssumeRole"}]}'}}
---
apiVersion: cloudwatchevents.aws.m.upbound.io/v1beta1
kind: Rule
metadata: {name: rule}
spec: {forProvider: {region: us-east-1, eventBusName: default, eventPattern: '{"source":["aws.s3"]}'}}
---
apiVersion: cloudwatchevents.aws.m.upbound.io/v1beta1
kind: Target
metadata: {name: target}
spec: {forProvider: {region: us-east-1, eventBusName: default, rule: rule, targetId: queue, arn: $queue.arn}}
---
apiVersion: ecr.aws.m.upbound.io/v1beta1
kind: Repository
metadata: {name: comfyui}
spec: {forProvider: {region: us-east-1}}
`

const testEdge = `
apiVersion: elbv2.aws.m.upbound.io/v1beta1
kind: LB
metadata: {name: lb}
spec: {forProvider: {region: us-east-1, name: edge, internal: true, securityGroups: [$sg.id], subnets: [$one.id, $two.id]}}
---
apiVersion: elbv2.aws.m.upbound.io/v1beta1
kind: LBTargetGroup
metadata: {name: group}
spec: {forProvider: {region: us-east-1, name: edge, port: 30080, protocol: HTTP, vpcId: $vpc.id}}
---
apiVersion: elbv2.aws.m.upbound.io/v1beta1
kind: LBListener
metadata: {name: listener}
spec: {forProvider: {region: us-east-1, loadBalancerArn: $lb.arn, port: 80, protocol: HTTP, defaultAction: [{type: forward, targetGroupArn: $group.arn}]}}
---
apiVersion: cloudfront.aws.m.upbound.io/v1beta1
kind: VPCOrigin
metadata: {name: origin}
spec: {forProvider: {vpcOriginEndpointConfig: {name: edge, arn: $lb.arn, httpPort: 80, httpsPort: 443, originProtocolPolicy: http-only}}}
---
apiVersion: wafv2.aws.m.upbound.io/v1beta1
kind: IPSet
metadata: {name: viewers}
spec: {forProvider: {region: us-east-1, name: viewers, scope: CLOUDFRONT, ipAddressVersion: IPV4, addresses: [203.0.113.0/24]}}
---
apiVersion: wafv2.aws.m.upbound.io/v1beta1
kind: WebACL
metadata: {name: acl}
spec: {forProvider: {region: us-east-1, name: edge, scope: CLOUDFRONT, ruleJson: '[{"Statement":{"IPSetReferenceStatement":{"ARN":"$viewers.arn"}}}]'}}
---
apiVersion: acm.aws.m.upbound.io/v1beta1
kind: Certificate
metadata: {name: proved}
spec: {forProvider: {region: us-east-1, domainName: studio.example.com, validationMethod: DNS}}
---
apiVersion: route53.aws.m.upbound.io/v1beta1
kind: Record
metadata: {name: proof}
spec: {forProvider: {zoneId: Z0123456789ABCDEFGHIJ, name: $proved.record, type: CNAME, ttl: 300, records: [$proved.value]}}
---
apiVersion: acm.aws.m.upbound.io/v1beta1
kind: CertificateValidation
metadata: {name: validation}
spec: {forProvider: {region: us-east-1, certificateArn: $proved.arn, validationRecordFqdns: [$proved.record]}}
---
apiVersion: cloudfront.aws.m.upbound.io/v1beta1
kind: Distribution
metadata: {name: distribution}
spec: {forProvider: {enabled: true, webAclId: $acl.arn, aliases: [studio.example.com], viewerCertificate: {acmCertificateArn: $proved.arn}, origin: [{originId: studio, domainName: a.example.org, vpcOriginConfig: {vpcOriginId: $origin.id}}], defaultCacheBehavior: {targetOriginId: studio}}}
---
apiVersion: acm.aws.m.upbound.io/v1beta1
kind: Certificate
metadata: {name: unproved}
spec: {forProvider: {region: us-east-1, domainName: other.example.com, validationMethod: DNS}}
---
apiVersion: wafv2.aws.m.upbound.io/v1beta1
kind: WebACL
metadata: {name: regional}
spec: {forProvider: {region: us-east-1, name: edge, scope: REGIONAL}}
---
apiVersion: route53.aws.m.upbound.io/v1beta1
kind: Record
metadata: {name: address}
spec: {forProvider: {zoneId: Z0123456789ABCDEFGHIJ, name: studio.example.com, type: A, ttl: 60, records: [192.0.2.7]}}
`

// first is the first of several manifests.
func first(manifests string) string {
	doc, _, _ := strings.Cut(manifests, "\n---\n")
	return doc
}
