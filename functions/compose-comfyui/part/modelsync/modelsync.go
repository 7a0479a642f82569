// Package modelsync composes what tells nodes of a change in the models bucket:
// the bucket's events go to a queue, a Lambda takes them by the batch and has
// Systems Manager run one document of ours on the studio's GPU nodes, which only
// says "look now". Nodes look by themselves every minute, so all of this saves
// time and nothing depends on it.
//
// What nodes copy first is an object in the artefact bucket. They read it with each
// look, and it is there where models are declared.
//
// The queues wait for the account id, the bucket's notification for the queue's
// policy, the Lambda for our binaries in the account.
//
// A bucket has one notification configuration, and to write one is to drop what
// was there. That of an adopted bucket may be somebody's: it is left alone, and
// the condition says which queue to send the bucket's events to.
package modelsync

import (
	cloudwatchlogs "github.com/upbound/provider-aws/v2/apis/namespaced/cloudwatchlogs/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"
	lambda "github.com/upbound/provider-aws/v2/apis/namespaced/lambda/v1beta1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"
	sqs "github.com/upbound/provider-aws/v2/apis/namespaced/sqs/v1beta1"
	ssm "github.com/upbound/provider-aws/v2/apis/namespaced/ssm/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(cloudwatchlogs.AddToScheme)
	kit.Register(iam.AddToScheme)
	kit.Register(lambda.AddToScheme)
	kit.Register(s3.AddToScheme)
	kit.Register(sqs.AddToScheme)
	kit.Register(ssm.AddToScheme)
}

// Compose adds the way from the bucket to the nodes.
func Compose(p plan.Plan, f facts.Facts, d *kit.Desired) {
	queues(p, d)
	notification(p, d)
	document(d)
	rights(p, d)
	function(p, f, d)
	order(p, d)

	// A log outlives who writes it.
	d.Use(plan.SyncFunctionLogs, plan.SyncFunction)
	// A mapping that finds neither function nor queue cannot be told from one that
	// fails.
	d.Use(plan.SyncFunction, plan.SyncEventSource)
	d.Use(plan.SyncQueue, plan.SyncEventSource)
	d.Use(plan.SyncFunctionPolicy, plan.SyncEventSource)
}

// account waits for the account id, which is in every ARN.
func account(p plan.Plan) kit.Gate { return kit.Needs(p.Account, "the account id") }
