package modelsync

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
)

var bucket = plan.BucketKey(plan.Models, plan.BucketItself)

func newPlan(t *testing.T, edits ...func(*v1alpha1.ComfyUIStudioSpec)) plan.Plan {
	t.Helper()

	return plantest.InAccount(t, edits...).WithRelease(plantest.Release())
}

func mirrored() facts.Facts { return facts.Facts{Image: facts.Image{AgentMirrored: true}} }

func compose(t *testing.T, p plan.Plan, f facts.Facts, observed ...kit.Key) kittest.Result {
	t.Helper()

	states := map[kit.Key]kittest.State{}
	for _, k := range observed {
		states[k] = kittest.Ready()
	}

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)

	// The bucket is another part's; here it is nobody's.
	d.RemoveAfter(bucket)

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	return r
}

// all are the keys of the part.
func all() []kit.Key {
	return []kit.Key{
		bucket, plan.SyncQueue, plan.SyncDeadLetters, plan.SyncQueuePolicy, plan.SyncNotification, plan.SyncFunctionRole,
		plan.SyncFunctionPolicy, plan.SyncFunctionLogs, plan.SyncFunction, plan.SyncEventSource, plan.SyncDocument,
	}
}

func field(t *testing.T, r kittest.Result, k kit.Key, path ...string) any {
	t.Helper()

	o := r.Resources[k]
	if o == nil {
		t.Fatalf("%s is not composed", k)
	}

	v, _, err := unstructured.NestedFieldNoCopy(o.Object, append([]string{"spec", "forProvider"}, path...)...)
	if err != nil {
		t.Fatal(err)
	}

	return v
}

// TestOrder goes through what AWS refuses when it comes too early.
func TestOrder(t *testing.T) {
	first := []kit.Key{plan.SyncDeadLetters, plan.SyncDocument, plan.SyncFunctionRole, plan.SyncFunctionLogs}

	cases := map[string]struct {
		reason   string
		account  string
		facts    facts.Facts
		observed []kit.Key
		// waiting is what the resource of interest waits for.
		of      kit.Key
		waiting []string
	}{
		"Account":        {reason: "ARNs hold the account.", of: plan.SyncQueue, waiting: []string{"the account id"}},
		"DeadLetters":    {reason: "SQS refuses a queue whose dead letters have nowhere to go.", account: "1", of: plan.SyncQueue, waiting: []string{string(plan.SyncDeadLetters)}},
		"QueuePolicy":    {reason: "The policy waits for its queue.", account: "1", observed: first, of: plan.SyncQueuePolicy, waiting: []string{string(plan.SyncQueue)}},
		"Notification":   {reason: "S3 tries the queue and refuses one that does not let it in.", account: "1", observed: append(first, bucket, plan.SyncQueue), of: plan.SyncNotification, waiting: []string{string(plan.SyncQueuePolicy)}},
		"Bucket":         {reason: "And there must be a bucket.", account: "1", observed: append(first, plan.SyncQueue, plan.SyncQueuePolicy), of: plan.SyncNotification, waiting: []string{string(bucket)}},
		"Agent":          {reason: "The code must be in the account.", account: "1", observed: append(first, plan.SyncFunctionPolicy), of: plan.SyncFunction, waiting: []string{"the studio-agent in the account"}},
		"FunctionPolicy": {reason: "Lambda tries the role.", account: "1", facts: mirrored(), observed: first, of: plan.SyncFunction, waiting: []string{string(plan.SyncFunctionPolicy)}},
		"EventSource":    {reason: "A mapping needs both ends.", account: "1", facts: mirrored(), observed: append(first, plan.SyncFunctionPolicy), of: plan.SyncEventSource, waiting: []string{string(plan.SyncFunction), string(plan.SyncQueue)}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := compose(t, newPlan(t).InAccount(tc.account), tc.facts, tc.observed...)
			if diff := cmp.Diff(tc.waiting, r.Waiting[tc.of]); diff != "" {
				t.Errorf("%s\nWaiting[%s]: -want, +got:\n%s", tc.reason, tc.of, diff)
			}
		})
	}
}

// TestUnpublished holds that without a studio-agent only what runs it is missing.
func TestUnpublished(t *testing.T) {
	p := newPlan(t).WithRelease(plan.Release{Image: "ghcr.io/comfyui-studio/studio-agent"})
	r := compose(t, p, facts.Facts{}, bucket, plan.SyncQueue, plan.SyncDeadLetters, plan.SyncQueuePolicy, plan.SyncFunctionRole, plan.SyncFunctionPolicy, plan.SyncFunctionLogs)

	want := map[kit.Key][]string{plan.SyncFunction: {"a published studio-agent"}, plan.SyncEventSource: {string(plan.SyncFunction)}}
	if diff := cmp.Diff(want, r.Waiting); diff != "" {
		t.Errorf("Waiting: -want, +got:\n%s", diff)
	}
}

// TestAgentGone holds that what is there stays when the fact is lost.
func TestAgentGone(t *testing.T) {
	r := compose(t, newPlan(t), facts.Facts{}, all()...)
	if r.Resources[plan.SyncFunction] == nil || r.Resources[plan.SyncEventSource] == nil {
		t.Errorf("A gate decides when a resource is made, never that it goes.\nWaiting: %v", r.Waiting)
	}
}

// TestRedrivePolicy holds the text to what Terraform compares it with.
func TestRedrivePolicy(t *testing.T) {
	got := field(t, compose(t, newPlan(t), mirrored(), all()...), plan.SyncQueue, "redrivePolicy")

	want := `{"deadLetterTargetArn":"arn:aws:sqs:ap-northeast-1:123456789012:tokyo-128572-model-sync-failed","maxReceiveCount":5}`
	if got != want {
		t.Errorf("A blank or another order is an update for ever.\nredrivePolicy: want %s\n got %s", want, got)
	}
}

// TestAdopted holds that somebody's own notifications survive an adoption.
func TestAdopted(t *testing.T) {
	p := newPlan(t, func(s *v1alpha1.ComfyUIStudioSpec) { s.Models.BucketName = "older" })

	observed := all()
	observed = append(observed[:4:4], observed[5:]...)

	r := compose(t, p, mirrored(), observed...)
	if r.Resources[plan.SyncNotification] != nil {
		t.Error("A bucket has one notification configuration: to write one is to drop what was there.")
	}

	// Whoever wants it can have the bucket notify the queue all the same.
	if got, _ := field(t, r, plan.SyncQueuePolicy, "policy").(string); !strings.Contains(got, `"aws:SourceArn":["arn:aws:s3:::older"]`) {
		t.Errorf("The queue lets the adopted bucket in.\npolicy: got %s", got)
	}
}

// TestNotification holds what S3 sends and to whom.
func TestNotification(t *testing.T) {
	r := compose(t, newPlan(t), mirrored(), all()...)

	want := []any{map[string]any{
		"id":       "studio",
		"events":   []any{"s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*"},
		"queueArn": "arn:aws:sqs:ap-northeast-1:123456789012:tokyo-128572-model-sync",
	}}
	if diff := cmp.Diff(want, field(t, r, plan.SyncNotification, "queue")); diff != "" {
		t.Errorf("queue: -want, +got:\n%s", diff)
	}
}

// TestDocument holds that who may run it can say nothing but "look now".
func TestDocument(t *testing.T) {
	text, _ := field(t, compose(t, newPlan(t), mirrored(), all()...), plan.SyncDocument, "content").(string)

	doc := map[string]any{}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}

	if doc["schemaVersion"] != "2.2" || doc["parameters"] != nil || strings.Contains(text, "{{") {
		t.Errorf("A document of schema 2.2 without parameters: got %s", text)
	}

	want := []any{"systemctl kill --kill-whom=main --signal=USR1 comfyui-models.service"}

	got, _, _ := unstructured.NestedFieldNoCopy(doc["mainSteps"].([]any)[0].(map[string]any), "inputs", "runCommand")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runCommand: -want, +got:\n%s", diff)
	}
}

// TestRights lists what the Lambda may do, and to what.
func TestRights(t *testing.T) {
	text, _ := field(t, compose(t, newPlan(t), mirrored(), all()...), plan.SyncFunctionPolicy, "policy").(string)

	type statement struct {
		Action    []string                       `json:"Action"`
		Resource  []string                       `json:"Resource"`
		Condition map[string]map[string][]string `json:"Condition"`
	}

	doc := struct {
		Statement []statement `json:"Statement"`
	}{}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}

	want := []statement{
		{Action: []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, Resource: []string{"arn:aws:sqs:ap-northeast-1:123456789012:tokyo-128572-model-sync"}},
		{Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resource: []string{"arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/lambda/tokyo-128572-model-sync:*"}},
		{Action: []string{"ssm:SendCommand"}, Resource: []string{"arn:aws:ssm:ap-northeast-1:123456789012:document/comfyui-tokyo-128572-model-sync"}},
		{
			Action: []string{"ssm:SendCommand"}, Resource: []string{"arn:aws:ec2:ap-northeast-1:123456789012:instance/*"},
			Condition: map[string]map[string][]string{"StringEquals": {"ssm:resourceTag/comfyui-studio": {"art/tokyo"}}},
		},
	}
	if diff := cmp.Diff(want, doc.Statement); diff != "" {
		t.Errorf("The Lambda takes events and says \"look now\" to the studio's own nodes.\npolicy: -want, +got:\n%s", diff)
	}
}

// TestFunction holds the Lambda to the code that the studio has in its account.
func TestFunction(t *testing.T) {
	r := compose(t, newPlan(t), mirrored(), all()...)

	got := map[string]any{}
	for _, f := range []string{"runtime", "architectures", "handler", "s3Bucket", "s3Key", "environment", "loggingConfig"} {
		got[f] = field(t, r, plan.SyncFunction, f)
	}

	want := map[string]any{
		"runtime": "provided.al2023", "architectures": []any{"arm64"}, "handler": "bootstrap",
		"s3Bucket": "comfyui-artefacts-123456789012-ap-northeast-1-128572",
		"s3Key":    "artefacts/" + strings.Repeat("c3", 32) + "/lambda.zip",
		"environment": map[string]any{"variables": map[string]any{
			"MODELS_BUCKET": "comfyui-models-123456789012-ap-northeast-1-128572",
			"DOCUMENT":      "comfyui-tokyo-128572-model-sync", "TAG_KEY": "comfyui-studio", "TAG_VALUE": "art/tokyo",
		}},
		"loggingConfig": map[string]any{"logFormat": "JSON", "logGroup": "/aws/lambda/tokyo-128572-model-sync"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Function: -want, +got:\n%s", diff)
	}
}

// TestDeletionOrder lists the pairs that hold when the claim is deleted.
func TestDeletionOrder(t *testing.T) {
	r := compose(t, newPlan(t), mirrored(), all()...)

	var got []string

	for k := range r.Resources {
		if plan.PartOf(k) == "usage" {
			got = append(got, strings.TrimPrefix(string(k), kit.UsagePrefix))
		}
	}

	want := []string{
		"modelsync-function-by-modelsync-event-source", "modelsync-function-logs-by-modelsync-function",
		"modelsync-function-policy-by-modelsync-event-source", "modelsync-queue-by-modelsync-event-source",
	}
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("Usages: -want, +got:\n%s", diff)
	}
}
