package modelsync

import (
	"encoding/json"
	"fmt"

	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"
	sqs "github.com/upbound/provider-aws/v2/apis/namespaced/sqs/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
)

// keepFailed is how long an event lies among those that failed, in seconds: the
// most that SQS allows.
const keepFailed = 14 * 24 * 60 * 60

// queues adds the queue of events and the one for those that nobody could handle.
func queues(p plan.Plan, d *kit.Desired) {
	d.Add(plan.SyncDeadLetters, &sqs.Queue{Spec: sqs.QueueSpec{ForProvider: sqs.QueueParameters{
		Name:                    new(p.SyncDeadLettersName()),
		MessageRetentionSeconds: new(float64(keepFailed)),
		SqsManagedSseEnabled:    new(true),
	}}})

	// SQS refuses a queue whose dead letters have nowhere to go, and the provider
	// then tries again a minute later.
	d.AddWhen(kit.All(account(p), kit.After(plan.SyncDeadLetters)), plan.SyncQueue, &sqs.Queue{Spec: sqs.QueueSpec{ForProvider: sqs.QueueParameters{
		Name:                     new(p.SyncQueueName()),
		VisibilityTimeoutSeconds: new(float64(p.ModelSync().Visibility())),
		SqsManagedSseEnabled:     new(true),
		RedrivePolicy:            new(redrive(p)),
	}}})

	d.AddWhen(account(p), plan.SyncQueuePolicy, &sqs.QueuePolicy{Spec: sqs.QueuePolicySpec{ForProvider: sqs.QueuePolicyParameters{
		QueueURLRef: d.Ref(plan.SyncQueue),
		Policy:      new(queuePolicy(p)),
	}}})
}

// redrive is compact and its keys are sorted: Terraform compares it as text, and
// a blank in it is an update for ever.
func redrive(p plan.Plan) string {
	b, err := json.Marshal(map[string]any{
		"deadLetterTargetArn": p.SyncDeadLettersARN(),
		"maxReceiveCount":     p.ModelSync().Attempts,
	})
	if err != nil {
		// A string and a number always marshal.
		panic(fmt.Sprintf("cannot marshal redrive policy: %v", err))
	}

	return string(b)
}

// queuePolicy lets S3 send for the models bucket of this account alone.
func queuePolicy(p plan.Plan) string {
	return policy.Document(
		policy.Statement{
			Sid:       "ModelsBucket",
			Effect:    policy.Allow,
			Principal: &policy.Principal{Service: "s3.amazonaws.com"},
			Action:    []string{"sqs:SendMessage"},
			Resource:  []string{p.SyncQueueARN()},
			Condition: policy.Condition{
				"ArnEquals":    {"aws:SourceArn": {p.BucketARN(plan.Models)}},
				"StringEquals": {"aws:SourceAccount": {p.Account}},
			},
		},
		policy.RefuseClearText("sqs", p.SyncQueueARN()),
	)
}

// notification sends the bucket's events to the queue. S3 tries the queue when it
// is asked to, and refuses one that does not let it in.
func notification(p plan.Plan, d *kit.Desired) {
	if p.Buckets[plan.Models].Adopt != "" {
		return
	}

	d.AddWhen(kit.All(account(p), kit.After(plan.SyncQueuePolicy)), plan.SyncNotification,
		&s3.BucketNotification{Spec: s3.BucketNotificationSpec{ForProvider: s3.BucketNotificationParameters{
			BucketRef: d.Ref(plan.BucketKey(plan.Models, plan.BucketItself)),
			Queue: []s3.QueueParameters{{
				ID: new("studio"),
				// What a life cycle deletes is not an ObjectRemoved.
				Events: kit.List("s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*"),
				// Literal: a reference in a list makes provider and server-side apply
				// undo each other for ever.
				QueueArn: new(p.SyncQueueARN()),
			}},
		}}})
}
