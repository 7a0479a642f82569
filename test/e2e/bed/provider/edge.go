package provider

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

var (
	loadBalancer = cloud.Kind{Service: "elbv2", Name: "LB"}
	targetGroup  = cloud.Kind{Service: "elbv2", Name: "LBTargetGroup"}
	viewer       = cloud.Kind{Service: "cloudfront", Name: "Function"}
	certificate  = cloud.Kind{Service: "acm", Name: "Certificate"}
)

func edgeKinds() []kind {
	return []kind{{
		Kind: loadBalancer, plural: "lbs",
		refs: []reference{
			{field: "securityGroups", refs: "securityGroupRefs", to: securityGroup}, {field: "subnets", refs: "subnetRefs", to: subnet},
		},
		late: []string{
			"clientKeepAlive", "connectionLogs", "desyncMitigationMode", "dropInvalidHeaderFields", "enableDeletionProtection", "enableHttp2",
			"healthCheckLogs", "ipAddressType", "loadBalancerType", "subnetMapping", "xffHeaderProcessingMode",
		},
		fixed:   []string{"name", "internal", "loadBalancerType"},
		timeout: 10 * time.Minute,
	}, {
		Kind: targetGroup, plural: "lbtargetgroups",
		refs: []reference{{field: "vpcId", to: vpc}},
		late: []string{
			"ipAddressType", "loadBalancingAlgorithmType", "loadBalancingCrossZoneEnabled", "protocolVersion", "stickiness",
			"targetGroupHealth", "targetHealthState",
		},
		fixed: []string{"name", "port", "protocol", "targetType", "vpcId"},
	}, {
		Kind: cloud.Kind{Service: "elbv2", Name: "LBListener"}, plural: "lblisteners",
		refs: []reference{
			{field: "defaultAction[].targetGroupArn", to: targetGroup}, {field: "loadBalancerArn", to: loadBalancer},
		},
		late:  []string{"sslPolicy", "tcpIdleTimeoutSeconds"},
		fixed: []string{"loadBalancerArn"},
	}, {
		Kind: cloud.Kind{Service: "autoscaling", Name: "Attachment"}, plural: "attachments", untagged: true,
		refs:  []reference{{field: "lbTargetGroupArn", to: targetGroup, extract: arn}},
		fixed: []string{"autoscalingGroupName", "lbTargetGroupArn"},
	}}
}

func cloudfrontKinds() []kind {
	return []kind{{
		Kind: cloud.Kind{Service: "cloudfront", Name: "VPCOrigin"}, plural: "vpcorigins",
		refs:    []reference{{field: "vpcOriginEndpointConfig.arn", to: loadBalancer, extract: arn}},
		timeout: 15 * time.Minute,
		stub:    "vo_stub000000000000000000",
	}, {
		Kind: viewer, plural: "functions", naming: byObject, untagged: true,
		secrets: map[string]string{"codeSecretRef": "code"},
	}, {
		Kind: cloud.Kind{Service: "cloudfront", Name: "Distribution"}, plural: "distributions",
		refs: []reference{
			{field: "orderedCacheBehavior[].functionAssociation[].functionArn", to: viewer, extract: arn},
		},
		waitIf: "waitForDeployment",
		shape: func(v cloud.Values) {
			// Terraform keeps the methods in a set.
			for _, b := range append(v.List("defaultCacheBehavior"), v.List("orderedCacheBehavior")...) {
				for _, field := range []string{"allowedMethods", "cachedMethods"} {
					if l, ok := b[field].([]any); ok {
						b[field] = sorted(l)
					}
				}
			}
		},
		timeout: time.Hour,
	}, {
		Kind: certificate, plural: "certificates",
		fixed: []string{"domainName", "validationMethod"},
	}, {
		Kind: cloud.Kind{Service: "acm", Name: "CertificateValidation"}, plural: "certificatevalidations", untagged: true,
		refs:    []reference{{field: "certificateArn", to: certificate, extract: arn}},
		fixed:   []string{"certificateArn"},
		unread:  []string{"validationRecordFqdns"},
		timeout: 75 * time.Minute,
	}, {
		Kind: cloud.Kind{Service: "route53", Name: "Record"}, plural: "records", untagged: true,
		fixed:   []string{"name", "type", "zoneId"},
		unread:  []string{"allowOverwrite"},
		timeout: 30 * time.Minute,
	}, {
		Kind: cloud.Kind{Service: "wafv2", Name: "IPSet"}, plural: "ipsets",
		fixed: []string{"name", "scope", "ipAddressVersion"},
	}, {
		Kind: cloud.Kind{Service: "wafv2", Name: "WebACL"}, plural: "webacls",
		documents: []string{"ruleJson"}, verbatim: true,
		fixed: []string{"name", "scope"},
	}}
}
