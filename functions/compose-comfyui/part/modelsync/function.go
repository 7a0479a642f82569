package modelsync

import (
	cloudwatchlogs "github.com/upbound/provider-aws/v2/apis/namespaced/cloudwatchlogs/v1beta1"
	lambda "github.com/upbound/provider-aws/v2/apis/namespaced/lambda/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/role"
)

// function adds the Lambda and what feeds it.
func function(p plan.Plan, f facts.Facts, d *kit.Desired) {
	m := p.ModelSync()

	d.Add(plan.SyncFunctionLogs, &cloudwatchlogs.Group{Spec: cloudwatchlogs.GroupSpec{ForProvider: cloudwatchlogs.GroupParameters{
		RetentionInDays: new(float64(m.LogDays)),
	}}})

	g := kit.All(
		account(p),
		kit.Needs(p.LambdaObject(), "a published studio-agent"),
		kit.Until(f.Image.AgentMirrored, "the studio-agent in the account"),
		kit.After(plan.SyncFunctionPolicy, plan.SyncFunctionLogs),
	)
	d.AddWhen(g, plan.SyncFunction, &lambda.Function{Spec: lambda.FunctionSpec{ForProvider: lambda.FunctionParameters{
		Description:   new("Tells the studio's GPU nodes that models have changed"),
		Runtime:       new("provided.al2023"),
		Architectures: kit.List("arm64"),
		Handler:       new("bootstrap"),
		MemorySize:    new(float64(m.Memory)),
		Timeout:       new(float64(m.Timeout)),
		RoleRef:       d.Ref(plan.SyncFunctionRole),
		S3Bucket:      new(p.ArtefactBucket()),
		// The hash of the code is in the key, so other code is another key.
		S3Key: new(p.LambdaObject()),
		Environment: &lambda.EnvironmentParameters{Variables: map[string]*string{
			"MODELS_BUCKET": new(p.BucketName(plan.Models)),
			"DOCUMENT":      new(p.ExternalName(plan.SyncDocument)),
			"TAG_KEY":       new(plan.TagStudio),
			"TAG_VALUE":     new(p.StudioTag()),
		}},
		LoggingConfig: &lambda.LoggingConfigParameters{
			LogFormat: new("JSON"),
			LogGroup:  new(p.ExternalName(plan.SyncFunctionLogs)),
		},
	}}})

	d.AddWhen(kit.All(account(p), kit.After(plan.SyncQueue)), plan.SyncEventSource,
		&lambda.EventSourceMapping{Spec: lambda.EventSourceMappingSpec{ForProvider: lambda.EventSourceMappingParameters{
			FunctionNameRef:                d.Ref(plan.SyncFunction),
			EventSourceArn:                 new(p.SyncQueueARN()),
			BatchSize:                      new(float64(m.Batch)),
			MaximumBatchingWindowInSeconds: new(float64(m.Window)),
			// One event that fails must not bring back a thousand that did not.
			FunctionResponseTypes: kit.List("ReportBatchItemFailures"),
			// The least there is. Systems Manager takes about one command a second.
			ScalingConfig: &lambda.ScalingConfigParameters{MaximumConcurrency: new(2.0)},
		}}})
}

// rights adds what the Lambda may do: take events, write its log, and run our
// document on the studio's nodes. It reads no bucket and runs no other command.
func rights(p plan.Plan, d *kit.Desired) {
	d.Add(plan.SyncFunctionRole, role.New("The studio's Lambda that tells nodes of changed models", policy.AssumedBy("lambda.amazonaws.com")))

	d.AddWhen(account(p), plan.SyncFunctionPolicy, role.Policy(d, plan.SyncFunctionRole, policy.Document(
		policy.Statement{
			Sid:      "TakeEvents",
			Effect:   policy.Allow,
			Action:   []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
			Resource: []string{p.SyncQueueARN()},
		},
		policy.WriteLog(p.LogsARN(plan.SyncFunctionLogs)),
		policy.Statement{
			Sid:      "RunOurDocument",
			Effect:   policy.Allow,
			Action:   []string{"ssm:SendCommand"},
			Resource: []string{p.SyncDocumentARN()},
		},
		// SendCommand asks for the document and for the instances, each by a
		// statement of its own: a condition on tags would never hold for a document.
		policy.Statement{
			Sid:       "OnOurNodes",
			Effect:    policy.Allow,
			Action:    []string{"ssm:SendCommand"},
			Resource:  []string{p.InstancesARN()},
			Condition: policy.Condition{"StringEquals": {"ssm:resourceTag/" + plan.TagStudio: {p.StudioTag()}}},
		},
	)))
}
