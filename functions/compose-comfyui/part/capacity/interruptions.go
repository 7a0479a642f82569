package capacity

import (
	events "github.com/upbound/provider-aws/v2/apis/namespaced/cloudwatchevents/v1beta1"
	sqs "github.com/upbound/provider-aws/v2/apis/namespaced/sqs/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
)

// interruptions is the queue that EventBridge tells Karpenter through which nodes
// AWS is about to take.
func interruptions(p plan.Plan, d *kit.Desired) {
	d.Add(plan.InterruptionQueue, &sqs.Queue{Spec: sqs.QueueSpec{ForProvider: sqs.QueueParameters{
		Name: new(p.InterruptionQueueName()),
		// A warning that is older than the two minutes that it gives is of no use.
		MessageRetentionSeconds: new(300.0),
		SqsManagedSseEnabled:    new(true),
	}}})

	d.AddWhen(knowsAccount(p), plan.InterruptionQueuePolicy, &sqs.QueuePolicy{Spec: sqs.QueuePolicySpec{ForProvider: sqs.QueuePolicyParameters{
		QueueURLRef: d.Ref(plan.InterruptionQueue),
		Policy:      new(queuePolicy(p)),
	}}})

	for _, i := range plan.Interruptions() {
		d.Add(plan.InterruptionRule(i), &events.Rule{Spec: events.RuleSpec{ForProvider: events.RuleParameters{
			Description: new("Tells Karpenter of nodes that AWS takes"),
			// Left out, the provider never makes the rule.
			EventBusName: new("default"),
			EventPattern: new(patterns()[i]),
		}}})

		d.AddWhen(kit.All(knowsAccount(p), kit.After(plan.InterruptionQueuePolicy)), plan.InterruptionTarget(i), &events.Target{Spec: events.TargetSpec{ForProvider: events.TargetParameters{
			RuleRef:      d.Ref(plan.InterruptionRule(i)),
			EventBusName: new("default"),
			TargetID:     new("karpenter"),
			Arn:          new(p.InterruptionQueueARN()),
		}}})
	}
}

// patterns are EventBridge's, as in Karpenter's CloudFormation template. They
// cannot name the studio's nodes, which nobody knows beforehand: Karpenter throws
// away what is about others.
func patterns() map[plan.Interruption]string {
	return map[plan.Interruption]string{
		plan.InterruptionHealth:   `{"detail-type":["AWS Health Event"],"source":["aws.health"]}`,
		plan.InterruptionSpot:     `{"detail-type":["EC2 Spot Instance Interruption Warning"],"source":["aws.ec2"]}`,
		plan.InterruptionState:    `{"detail-type":["EC2 Instance State-change Notification"],"source":["aws.ec2"]}`,
		plan.InterruptionCapacity: `{"detail-type":["EC2 Capacity Reservation Instance Interruption Warning"],"source":["aws.ec2"]}`,
	}
}

// queuePolicy lets the studio's rules write to the queue, and nobody in clear text.
func queuePolicy(p plan.Plan) string {
	queue := []string{p.InterruptionQueueARN()}

	var rules []string
	for _, i := range plan.Interruptions() {
		rules = append(rules, p.InterruptionRuleARN(i))
	}

	send := func(sid, service string, condition policy.Condition) policy.Statement {
		return policy.Statement{
			Sid: sid, Effect: policy.Allow, Principal: &policy.Principal{Service: service},
			Action: []string{"sqs:SendMessage"}, Resource: queue, Condition: condition,
		}
	}

	return policy.Document(
		send("Events", "events.amazonaws.com", policy.Condition{"ArnEquals": {"aws:SourceArn": rules}}),
		send("Queue", "sqs.amazonaws.com", policy.Condition{equals: {"aws:SourceAccount": {p.Account}}}),
		policy.RefuseClearText("sqs", queue...),
	)
}
