package provider

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

var (
	queueKind = cloud.Kind{Service: "sqs", Name: "Queue"}
	ruleKind  = cloud.Kind{Service: "cloudwatchevents", Name: "Rule"}
	logGroup  = cloud.Kind{Service: "cloudwatchlogs", Name: "Group"}
)

func eventKinds() []kind {
	return []kind{{
		Kind: queueKind, plural: "queues",
		late: []string{"kmsDataKeyReusePeriodSeconds", "maxMessageSize", "visibilityTimeoutSeconds"},
		// Not redrivePolicy: Terraform compares that one as text.
		documents: []string{"policy"},
		fixed:     []string{"name", "fifoQueue"},
		// "SQS Queue create 28 s, QueuePolicy 25 s, Queue and QueuePolicy
		// deleted together 97-190 s".
		settle: 28 * time.Second, linger: 97 * time.Second,
	}, {
		Kind: cloud.Kind{Service: "sqs", Name: "QueuePolicy"}, plural: "queuepolicies", naming: bySpec, untagged: true,
		refs:      []reference{{field: "queueUrl", to: queueKind, extract: byStatus("id")}},
		documents: []string{"policy"},
		fixed:     []string{"queueUrl"},
		settle:    25 * time.Second, linger: 97 * time.Second,
	}, {
		Kind: ruleKind, plural: "rules", naming: byObject,
		refs:      []reference{{field: "roleArn", to: role, extract: arn}},
		late:      []string{"isEnabled", "state"},
		documents: []string{"eventPattern"},
		fixed:     []string{"eventBusName"},
		idFields:  []string{"eventBusName"},
	}, {
		Kind: cloud.Kind{Service: "cloudwatchevents", Name: "Target"}, plural: "targets", naming: bySpec, untagged: true,
		// ruleRef is the rule's external name: it does not wait.
		refs:     []reference{{field: "roleArn", to: role, extract: arn}, {field: "rule", to: ruleKind}},
		fixed:    []string{"rule", "eventBusName", "targetId"},
		idFields: []string{"eventBusName"},
	}, {
		Kind: logGroup, plural: "groups", naming: byObject,
	}, {
		Kind: cloud.Kind{Service: "scheduler", Name: "Schedule"}, plural: "schedules", naming: bySpec, untagged: true,
		refs: []reference{
			{field: "target.arn", to: queueKind, extract: arn}, {field: "target.roleArn", to: role, extract: arn},
		},
		late:  []string{"scheduleExpressionTimezone", "state"},
		fixed: []string{"name", "groupName"},
	}}
}
