package cloud

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestS3Refuses(t *testing.T) {
	bucket := func(name string) string {
		return "Bucket metadata: {name: x, annotations: {crossplane.io/external-name: '" + name + "'}}\nspec: {forProvider: {region: us-east-1}}"
	}
	part := func(kind, args string) string {
		return kind + " metadata: {name: x}\nspec: {forProvider: {region: us-east-1, " + args + "}}"
	}
	policy := func(doc string) string { return part("BucketPolicy", "bucket: models, policy: '"+doc+"'") }
	testRefusals(t, "s3", map[string]refusalCase{
		"NameTooLong":        {"Names have 63 characters.", bucket(strings.Repeat("b", 64)), "InvalidBucketName", "not valid"},
		"NameTooShort":       {"And at least three.", bucket("ab"), "InvalidBucketName", "not valid"},
		"NameCapitals":       {"In lower case.", bucket("Models"), "InvalidBucketName", "Models"},
		"NameUnderscore":     {"Without underscores.", bucket("my_models"), "InvalidBucketName", "my_models"},
		"NameAddress":        {"Not an address.", bucket("192.168.0.1"), "InvalidBucketName", "192.168.0.1"},
		"NameForeign":        {"Names are the world's.", bucket("somebody-elses"), "BucketAlreadyExists", "not available"},
		"NameTaken":          {"A second owner of a name is refused.", bucket("models"), "BucketAlreadyOwnedByYou", "already own it"},
		"PartWithoutBucket":  {"No schema enforces the bucket.", part("BucketVersioning", "versioningConfiguration: {status: Enabled}"), "MissingParameter", "bucket"},
		"PartUnknownBucket":  {"The bucket must exist.", part("BucketPublicAccessBlock", "bucket: nothing"), "NoSuchBucket", "does not exist"},
		"Ownership":          {"Ownership is one of three.", part("BucketOwnershipControls", "bucket: models, rule: {objectOwnership: Owner}"), "MalformedXML", "BucketOwnerEnforced"},
		"Versioning":         {"Versioning is on or off.", part("BucketVersioning", "bucket: models, versioningConfiguration: {status: 'on'}"), "MalformedXML", "Enabled"},
		"Encryption":         {"Algorithms are known.", part("BucketServerSideEncryptionConfiguration", "bucket: models, rule: [{applyServerSideEncryptionByDefault: {sseAlgorithm: AES}}]"), "MalformedXML", "AES256"},
		"LifecycleNoRule":    {"A life cycle has rules.", part("BucketLifecycleConfiguration", "bucket: models"), "MalformedXML", "needs a rule"},
		"LifecycleStatus":    {"That are enabled or not.", part("BucketLifecycleConfiguration", "bucket: models, rule: [{id: a, status: 'on', expiration: [{days: 1}]}]"), "MalformedXML", "status"},
		"LifecycleNoAction":  {"That do something.", part("BucketLifecycleConfiguration", "bucket: models, rule: [{id: a, status: Enabled}]"), "InvalidRequest", "At least one action"},
		"LifecycleTwice":     {"With ids of their own.", part("BucketLifecycleConfiguration", "bucket: models, rule: [{id: a, status: Enabled, expiration: [{days: 1}]}, {id: a, status: Enabled, expiration: [{days: 2}]}]"), "InvalidArgument", "unique"},
		"PolicyNoJSON":       {"A policy is JSON.", policy("x"), "MalformedPolicy", "invalid Json"},
		"PolicyNoPrincipal":  {"It names principals.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::models"}]}`), "MalformedPolicy", "Principal"},
		"PolicyOtherBucket":  {"And the bucket itself.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::others/*"}]}`), "MalformedPolicy", "invalid resource"},
		"PolicyPublic":       {"And is not public where that is blocked.", policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::models/*"}]}`), "AccessDenied", "BlockPublicPolicy"},
		"NotificationQueue":  {"S3 asks the queue at the put.", part("BucketNotification", "bucket: models, queue: [{queueArn: $queue.arn, events: ['s3:ObjectCreated:*']}]"), "InvalidArgument", "Unable to validate"},
		"ObjectACL":          {"A new bucket allows no ACLs.", part("Object", "bucket: models, key: a, acl: private"), "AccessControlListNotSupported", "does not allow ACLs"},
		"ObjectTags":         {"An object has ten tags.", part("Object", "bucket: models, key: a, tags: {a: a, b: a, c: a, d: a, e: a, f: a, g: a, h: a, i: a, j: a, k: a}"), "BadRequest", "greater than 10"},
		"ObjectWithoutKey":   {"No schema enforces the key.", part("Object", "bucket: models"), "MissingParameter", "key"},
		"ObjectUnknwnBucket": {"The bucket must exist.", part("Object", "bucket: nothing, key: a"), "NoSuchBucket", "does not exist"},
	}, testStorage)
}

func TestMessagingRefuses(t *testing.T) {
	at := " metadata: {name: x}\nspec: {forProvider: {region: us-east-1, "
	testRefusals(t, "sqs", map[string]refusalCase{
		"Name":           {"Names have no dots.", "Queue" + at + "name: a.b}}", "InvalidParameterValue", "alphanumeric"},
		"NameTooLong":    {"And 80 characters.", "Queue" + at + "name: " + strings.Repeat("q", 81) + "}}", "InvalidParameterValue", "1 to 80"},
		"Taken":          {"Names are the region's.", "Queue" + at + "name: queue}}", "QueueAlreadyExists", "same name"},
		"Visibility":     {"Times are bounded.", "Queue" + at + "name: a, visibilityTimeoutSeconds: 50000}}", "InvalidAttributeValue", "visibilityTimeoutSeconds"},
		"NoDLQ":          {"The dead letter queue must be there.", "Queue" + at + `name: a, redrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dlq","maxReceiveCount":5}'}}`, "InvalidParameterValue", "Dead letter target does not exist"},
		"BadRedrive":     {"The redrive policy is JSON.", "Queue" + at + "name: a, redrivePolicy: dlq}}", "InvalidParameterValue", "not a valid JSON map"},
		"PolicyNoQueue":  {"The queue must exist.", "QueuePolicy" + at + "queueUrl: 'https://nothing', policy: '{}'}}", "AWS.SimpleQueueService.NonExistentQueue", "does not exist"},
		"PolicyBad":      {"Its policy is one.", "QueuePolicy" + at + "queueUrl: $queue.id, policy: '{}'}}", "MalformedPolicyDocument", "version"},
		"PolicyNoTarget": {"No schema enforces the queue.", "QueuePolicy" + at + "policy: '{}'}}", "MissingParameter", "queueUrl"},
	}, testStorage)
	testRefusals(t, "cloudwatchevents", map[string]refusalCase{
		"RuleNoBus":       {"A rule names its bus.", "Rule" + at + "eventPattern: '{}'}}", "MissingParameter", "eventBusName"},
		"RuleNothing":     {"And what it listens to.", "Rule" + at + "eventBusName: default}}", "ValidationException", "EventPattern or ScheduleExpression"},
		"RulePattern":     {"In JSON.", "Rule" + at + "eventBusName: default, eventPattern: x}}", "InvalidEventPatternException", "not an object"},
		"RuleScalar":      {"With lists at the leaves.", "Rule" + at + `eventBusName: default, eventPattern: '{"source":"aws.s3"}'}}`, "InvalidEventPatternException", "array"},
		"TargetNoRule":    {"The rule must exist.", "Target" + at + "eventBusName: default, rule: nothing, targetId: a, arn: $queue.arn}}", "ResourceNotFoundException", "nothing"},
		"TargetBadARN":    {"Targets are ARNs.", "Target" + at + "eventBusName: default, rule: rule, targetId: a, arn: queue}}", "ValidationException", "correct format"},
		"TargetBuildRole": {"A build needs a role.", "Target" + at + "eventBusName: default, rule: rule, targetId: a, arn: 'arn:aws:codebuild:us-east-1:123456789012:project/a'}}", "ValidationException", "RoleArn is required"},
	}, testStorage)
	testRefusals(t, "scheduler", map[string]refusalCase{
		"Expression": {"Expressions are of three kinds.", "Schedule" + at + "name: a, scheduleExpression: weekly, flexibleTimeWindow: {mode: 'OFF'}, target: {arn: $queue.arn, roleArn: $lambda_role.arn}}}", "ValidationException", "Invalid Schedule Expression"},
		"Role":       {"The role trusts the scheduler.", "Schedule" + at + "name: a, scheduleExpression: rate(7 days), flexibleTimeWindow: {mode: 'OFF'}, target: {arn: $queue.arn, roleArn: 'arn:aws:iam::123456789012:role/no'}}}", "ValidationException", "execution role"},
	}, testStorage)
	testRefusals(t, "cloudwatchlogs", map[string]refusalCase{
		"Retention": {"Retention is one of AWS's.", "Group" + at + "retentionInDays: 31}}", "InvalidParameterException", "retentionInDays"},
		"Name":      {"Names have no blanks.", "Group metadata: {name: a, annotations: {crossplane.io/external-name: 'a b'}}\nspec: {forProvider: {region: us-east-1}}", "InvalidParameterException", "logGroupName"},
	}, testStorage)
}

func TestBuildRefuses(t *testing.T) {
	at := " metadata: {name: x}\nspec: {forProvider: {region: us-east-1, "
	code := "runtime: provided.al2023, handler: bootstrap, "
	testRefusals(t, "lambda", map[string]refusalCase{
		"Role":    {"The role trusts Lambda.", "Function" + at + code + "role: 'arn:aws:iam::123456789012:role/no'}}", "InvalidParameterValueException", "cannot be assumed by Lambda"},
		"NoRole":  {"No schema enforces the role.", "Function" + at + code + "}}", "MissingParameter", "role"},
		"Runtime": {"Runtimes are known.", "Function" + at + "role: $lambda_role.arn, handler: a, runtime: go1.x}}", "InvalidParameterValueException", "go1.x"},
		"Code":    {"The code must be there.", "Function" + at + code + "role: $lambda_role.arn, s3Bucket: models, s3Key: a.zip}}", "InvalidParameterValueException", "NoSuchKey"},
		"Memory":  {"Memory is bounded.", "Function" + at + code + "role: $lambda_role.arn, memorySize: 64}}", "ValidationException", "memorySize"},
		"Mapping": {"The function must exist.", "EventSourceMapping" + at + "functionName: nothing, eventSourceArn: $queue.arn}}", "ResourceNotFoundException", "nothing"},
	}, testStorage)
	testRefusals(t, "ecr", map[string]refusalCase{
		"Name":     {"Names are in lower case.", "Repository metadata: {name: a, annotations: {crossplane.io/external-name: 'A/b'}}\nspec: {forProvider: {region: us-east-1}}", "InvalidParameterException", "A/b"},
		"Policy":   {"A life cycle has rules.", "LifecyclePolicy" + at + "repository: comfyui, policy: '{}'}}", "InvalidParameterException", "needs rules"},
		"PolicyOf": {"The repository must exist.", "LifecyclePolicy" + at + "repository: nothing, policy: '{}'}}", "RepositoryNotFoundException", "nothing"},
		"Taken":    {"Names are the registry's.", "Repository metadata: {name: comfyui}\nspec: {forProvider: {region: us-east-1}}", "RepositoryAlreadyExistsException", "comfyui"},
	}, testStorage)
	project := "environment: {computeType: BUILD_GENERAL1_LARGE, image: a, type: LINUX_CONTAINER}, artifacts: {type: NO_ARTIFACTS}, "
	testRefusals(t, "codebuild", map[string]refusalCase{
		"Role":   {"The role trusts CodeBuild.", "Project metadata: {name: builds}\nspec: {forProvider: {region: us-east-1, " + project + "source: {type: NO_SOURCE, buildspec: a}, serviceRole: 'arn:aws:iam::123456789012:role/no'}}", "InvalidInputException", "sts:AssumeRole"},
		"Source": {"Without a source there is a buildspec.", "Project metadata: {name: builds}\nspec: {forProvider: {region: us-east-1, " + project + "source: {type: NO_SOURCE}, serviceRole: $lambda_role.arn}}", "InvalidInputException", "buildspec"},
	}, testStorage)
	testRefusals(t, "ssm", map[string]refusalCase{
		"Name":        {"Names are not AWS's.", "Document metadata: {name: aws-sync}\nspec: {forProvider: {region: us-east-1, documentType: Command, content: '{}'}}", "ValidationException", "aws-sync"},
		"Content":     {"The content parses.", "Document metadata: {name: xyz}\nspec: {forProvider: {region: us-east-1, documentType: Command, content: 'a: b'}}", "InvalidDocumentContent", "not valid"},
		"Schema":      {"And has a schema.", "Document metadata: {name: xyz}\nspec: {forProvider: {region: us-east-1, documentType: Command, content: '{}'}}", "InvalidDocumentContent", "schemaVersion"},
		"Parameter":   {"A parameter holds something: the Secret of an empty one is not there.", "Parameter metadata: {name: p}\nspec: {forProvider: {region: us-east-1, type: SecureString, value: ''}}", "MissingParameter", "value"},
		"Type":        {"It has a type.", "Parameter metadata: {name: p}\nspec: {forProvider: {region: us-east-1, type: Secret, value: a}}", "ValidationException", "enum value set"},
		"Path":        {"A path begins at the root.", "Parameter metadata: {name: p, annotations: {crossplane.io/external-name: a/b}}\nspec: {forProvider: {region: us-east-1, type: SecureString, value: a}}", "ValidationException", "fully qualified"},
		"Reserved":    {"Names are not AWS's.", "Parameter metadata: {name: p, annotations: {crossplane.io/external-name: /AWS-studio/a}}\nspec: {forProvider: {region: us-east-1, type: SecureString, value: a}}", "ValidationException", "prefixed"},
		"TooLong":     {"The standard tier holds 4 KB.", "Parameter metadata: {name: p}\nspec: {forProvider: {region: us-east-1, type: SecureString, value: " + strings.Repeat("v", 4097) + "}}", "ValidationException", "4096 characters"},
		"Nested":      {"A value names no other parameter.", "Parameter metadata: {name: p}\nspec: {forProvider: {region: us-east-1, type: SecureString, value: '{{ssm:x}}'}}", "ValidationException", "nest"},
		"Association": {"The document must exist.", "Association" + at + "name: nothing}}", "InvalidDocument", "nothing"},
	}, testStorage)
}

func TestEdgeRefuses(t *testing.T) {
	at := " metadata: {name: x}\nspec: {forProvider: {region: us-east-1, "
	testRefusals(t, "elbv2", map[string]refusalCase{
		"NameTooLong": {"Names have 32 characters.", "LB" + at + "internal: true, name: " + strings.Repeat("l", 33) + ", subnets: [$one.id, $two.id]}}", "ValidationError", "longer than '32'"},
		"NameHyphen":  {"And do not end in a hyphen.", "LB" + at + "internal: true, name: a-, subnets: [$one.id, $two.id]}}", "ValidationError", "hyphen"},
		"Taken":       {"Names are the region's.", "LB" + at + "internal: true, name: edge, subnets: [$one.id, $two.id]}}", "DuplicateLoadBalancerName", "ELBv2 Load Balancer (edge) already exists"},
		"OneZone":     {"A balancer needs two zones.", "LB" + at + "internal: true, name: a, subnets: [$one.id]}}", "ValidationError", "two different Availability Zones"},
		"Idle":        {"Idle times are bounded.", "LB" + at + "internal: true, name: a, idleTimeout: 5000, subnets: [$one.id, $two.id]}}", "InvalidConfigurationRequest", "4000"},
		"Group":       {"Groups must exist.", "LB" + at + "internal: true, name: a, securityGroups: [sg-0], subnets: [$one.id, $two.id]}}", "InvalidSecurityGroup", "sg-0"},
		"TargetName":  {"Target groups have 32 characters, too.", "LBTargetGroup" + at + "vpcId: $vpc.id, name: " + strings.Repeat("t", 33) + "}}", "ValidationError", "longer than '32'"},
		"Health":      {"A check ends before the next.", "LBTargetGroup" + at + "vpcId: $vpc.id, name: a, healthCheck: {interval: 5, timeout: 5}}}", "ValidationError", "must be smaller"},
		"ListenerLB":  {"The balancer must exist.", "LBListener" + at + "loadBalancerArn: nothing, port: 80}}", "LoadBalancerNotFound", "not found"},
		"Listener":    {"A port has one listener.", "LBListener" + at + "loadBalancerArn: $lb.arn, port: 80, defaultAction: [{type: forward, targetGroupArn: $group.arn}]}}", "DuplicateListener", "already exists on this port"},
		"Certificate": {"And one of the region.", "LBListener" + at + "loadBalancerArn: $lb.arn, port: 443, protocol: HTTPS, certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/a'}}", "CertificateNotFound", "eu-west-1"},
		"NotIssued":   {"That is issued.", "LBListener" + at + "loadBalancerArn: $lb.arn, port: 443, protocol: HTTPS, certificateArn: $unproved.arn}}", "UnsupportedCertificate", "fully-qualified"},
		"Redirect":    {"A redirect goes nowhere else.", "LBListener" + at + "loadBalancerArn: $lb.arn, port: 8080, protocol: HTTP, defaultAction: [{type: redirect, targetGroupArn: $group.arn, redirect: {statusCode: HTTP_301}}]}}", "InvalidLoadBalancerAction", "no target group"},
		"HTTPS":       {"HTTPS has a certificate.", "LBListener" + at + "loadBalancerArn: $lb.arn, port: 443, protocol: HTTPS}}", "ValidationError", "certificate"},
	}, testNetwork, testCluster, testEdge)
	testRefusals(t, "autoscaling", map[string]refusalCase{
		"Group": {"The auto scaling group must exist.", "Attachment" + at + "autoscalingGroupName: nothing, lbTargetGroupArn: $group.arn}}", "ValidationError", "nothing"},
	}, testNetwork, testCluster, testEdge)
	named := "Distribution metadata: {name: x}\nspec: {forProvider: {origin: [{originId: a, domainName: a.b}], defaultCacheBehavior: {targetOriginId: a}, "
	origin := "VPCOrigin metadata: {name: x}\nspec: {forProvider: {vpcOriginEndpointConfig: {"
	testRefusals(t, "cloudfront", map[string]refusalCase{
		"OriginTaken":        {"Names are the account's.", origin + "name: edge, arn: $lb.arn}}}", "EntityAlreadyExists", "edge"},
		"OriginNoLB":         {"The balancer must exist.", origin + "name: a, arn: nothing}}}", "InvalidArgument", "does not exist"},
		"OriginNoARN":        {"No schema enforces the balancer.", origin + "name: a}}}", "MissingParameter", "vpcOriginEndpointConfig.arn"},
		"NoOrigin":           {"A behaviour has an origin.", "Distribution metadata: {name: x}\nspec: {forProvider: {origin: [{originId: a, domainName: a.b}], defaultCacheBehavior: {targetOriginId: b}}}", "NoSuchOrigin", "b"},
		"NoVPCOrigin":        {"The VPC origin must exist.", "Distribution metadata: {name: x}\nspec: {forProvider: {origin: [{originId: a, domainName: a.b, vpcOriginConfig: {vpcOriginId: vo_0}}], defaultCacheBehavior: {targetOriginId: a}}}", "EntityNotFound", "vo_0"},
		"NoFunction":         {"So must functions.", "Distribution metadata: {name: x}\nspec: {forProvider: {origin: [{originId: a, domainName: a.b}], defaultCacheBehavior: {targetOriginId: a, functionAssociation: [{functionArn: f}]}}}", "InvalidFunctionAssociation", "f"},
		"NoACL":              {"So must the web ACL.", "Distribution metadata: {name: x}\nspec: {forProvider: {webAclId: w, origin: [{originId: a, domainName: a.b}], defaultCacheBehavior: {targetOriginId: a}}}", "InvalidWebACLId", "w"},
		"RegionalACL":        {"And be CloudFront's.", "Distribution metadata: {name: x}\nspec: {forProvider: {webAclId: $regional.arn, origin: [{originId: a, domainName: a.b}], defaultCacheBehavior: {targetOriginId: a}}}", "InvalidWebACLId", "regional"},
		"NoCertificate":      {"A name of one's own needs a certificate.", named + "aliases: [studio.example.com]}}", "InvalidViewerCertificate", "must attach a trusted certificate"},
		"CertificateRegion":  {"CloudFront's certificates are in us-east-1.", named + "viewerCertificate: {acmCertificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/a'}}}", "InvalidViewerCertificate", "isn't in us-east-1"},
		"CertificateAbsent":  {"It must exist.", named + "viewerCertificate: {acmCertificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/no'}}}", "InvalidViewerCertificate", "doesn't exist"},
		"CertificatePending": {"And be issued.", named + "viewerCertificate: {acmCertificateArn: $unproved.arn}}}", "InvalidViewerCertificate", "isn't valid"},
		"CertificateOther":   {"For that name.", named + "aliases: [other.example.com], viewerCertificate: {acmCertificateArn: $proved.arn}}}", "InvalidViewerCertificate", "other.example.com"},
		"AliasTaken":         {"A name is one distribution's.", named + "aliases: [studio.example.com], viewerCertificate: {acmCertificateArn: $proved.arn}}}", "CNAMEAlreadyExists", "studio.example.com"},
		"FunctionKind":       {"Runtimes are two.", "Function metadata: {name: x}\nspec: {forProvider: {code: a, runtime: nodejs}}", "InvalidArgument", "nodejs"},
	}, testNetwork, testCluster, testEdge)
	testRefusals(t, "wafv2", map[string]refusalCase{
		"Scope":   {"CloudFront's are in us-east-1.", "IPSet metadata: {name: x}\nspec: {forProvider: {region: eu-west-1, name: a, scope: CLOUDFRONT, ipAddressVersion: IPV4}}", "WAFInvalidParameterException", "CLOUDFRONT"},
		"Address": {"Addresses are blocks.", "IPSet" + at + "name: a, scope: CLOUDFRONT, ipAddressVersion: IPV4, addresses: [203.0.113.7]}}", "WAFInvalidParameterException", "203.0.113.7"},
		"NoIPSet": {"IP sets must exist.", "WebACL" + at + `name: a, scope: CLOUDFRONT, ruleJson: '[{"ARN":"arn:aws:wafv2:us-east-1:123456789012:global/ipset/no/0"}]'}}`, "WAFNonexistentItemException", "ipset/no/0"},
		"Taken":   {"Names are the scope's.", "IPSet" + at + "name: viewers, scope: CLOUDFRONT, ipAddressVersion: IPV4}}", "WAFDuplicateItemException", "duplicate"},
	}, testNetwork, testCluster, testEdge)
	record := "Record metadata: {name: x}\nspec: {forProvider: {"
	zone := "zoneId: Z0123456789ABCDEFGHIJ, name: www.example.com, "
	alias := record + zone + "type: A, alias: {evaluateTargetHealth: "
	testRefusals(t, "route53", map[string]refusalCase{
		"Zone":       {"A zone has an id.", record + "zoneId: example.com, name: a.example.com, type: A, ttl: 60, records: [192.0.2.1]}}", "NoSuchHostedZone", "example.com"},
		"NoZone":     {"No schema enforces it.", record + "name: a.example.com, type: A, ttl: 60, records: [192.0.2.1]}}", "MissingParameter", "zoneId"},
		"Type":       {"Types are known.", record + zone + "type: B, ttl: 60, records: [a]}}", "InvalidInput", "'B'"},
		"Neither":    {"A record says something.", record + zone + "type: A}}", "InvalidInput", "exactly one"},
		"TTL":        {"For a time.", record + zone + "type: A, records: [192.0.2.1]}}", "InvalidInput", "TTL"},
		"Address":    {"An address is one.", record + zone + "type: A, ttl: 60, records: [a.b]}}", "InvalidChangeBatch", "not a valid address"},
		"Names":      {"A CNAME is one name.", record + zone + "type: CNAME, ttl: 60, records: [a.b, c.d]}}", "InvalidChangeBatch", "more than one"},
		"Health":     {"CloudFront's health is nobody's to ask for.", alias + "true, name: d1.cloudfront.net, zoneId: Z2FDTNDATAQYW2}}}", "InvalidChangeBatch", "EvaluateTargetHealth"},
		"AliasZone":  {"CloudFront has one zone.", alias + "false, name: d1.cloudfront.net, zoneId: Z35SXDOTRQ7X7K}}}", "InvalidChangeBatch", "does not lie within"},
		"AliasOther": {"A load balancer must exist.", alias + "false, name: internal-a.us-east-1.elb.amazonaws.com, zoneId: Z35SXDOTRQ7X7K}}}", "InvalidChangeBatch", "does not lie within"},
		"Taken":      {"A record is not taken over unasked.", record + "zoneId: Z0123456789ABCDEFGHIJ, name: studio.example.com, type: A, ttl: 60, records: [192.0.2.1]}}", "InvalidChangeBatch", "already exists"},
	}, testNetwork, testCluster, testEdge)
	testRefusals(t, "acm", map[string]refusalCase{
		"Absent": {"The certificate must exist.", "CertificateValidation" + at + "certificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/no'}}", "ResourceNotFoundException", "certificate/no"},
		"Record": {"Its record must be named.", "CertificateValidation" + at + "certificateArn: $unproved.arn, validationRecordFqdns: [a.example.com]}}", "ValidationException", "missing other.example.com"},
	}, testNetwork, testCluster, testEdge)
}

// TestNotActive uses a clock on which nothing gets ready.
func TestNotActive(t *testing.T) {
	w := newWorld(t, testNetwork)
	w.make(first(testCluster))
	w.make("apiVersion: iam.aws.m.upbound.io/v1beta1\nkind: Role\nmetadata: {name: node-role}\n" +
		`spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","pods.eks.amazonaws.com"]},"Action":"sts:AssumeRole"}]}'}}`)
	if err := w.SetFaults(Fault{Mode: Stuck, Operation: OpCreate}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create(w.call("apiVersion: eks.aws.m.upbound.io/v1beta1\nkind: Cluster\nmetadata: {name: studio}\nspec: {forProvider: {region: us-east-1, roleArn: $cluster_role.arn, accessConfig: {authenticationMode: API}, vpcConfig: {subnetIds: [$one.id, $two.id]}}}")); err != nil {
		t.Fatal(err)
	}
	at := "\nmetadata: {name: x}\nspec: {forProvider: {region: us-east-1, clusterName: studio, "
	cases := map[string]struct {
		reason   string
		manifest string
	}{
		"NodeGroup":   {"A node group needs an active cluster.", "NodeGroup" + at + "nodeRoleArn: $node_role.arn, subnetIds: [$one.id], scalingConfig: {minSize: 1, desiredSize: 1, maxSize: 1}}}"},
		"Addon":       {"So does an add-on.", "Addon" + at + "addonName: vpc-cni}}"},
		"Entry":       {"So does an access entry.", "AccessEntry" + at + "principalArn: $node_role.arn}}"},
		"PodIdentity": {"So does an association.", "PodIdentityAssociation" + at + "namespace: a, serviceAccount: b, roleArn: $node_role.arn}}"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := w.Create(w.call("apiVersion: eks.aws.m.upbound.io/v1beta1\nkind: " + tc.manifest))
			if err == nil || !strings.Contains(err.Error(), "is not in ACTIVE status: it is CREATING") {
				t.Errorf("%s\nCreate(...): want refusal, got %v", tc.reason, err)
			}
		})
	}
	if diff := cmp.Diff("ResourceInUseException", Code(w.Delete(Call{Kind: kindCluster, ID: "studio", Args: Values{"region": "us-east-1"}}))); diff != "" {
		t.Errorf("Delete(cluster that is being created): -want code, +got code:\n%s", diff)
	}
}
