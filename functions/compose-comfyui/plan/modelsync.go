package plan

import (
	"strings"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// ModelSyncUnit is the systemd unit of the daemon that keeps a node's models in
// step with the bucket, as user data installs it. A USR1 tells it to look now.
const ModelSyncUnit = "comfyui-models.service"

// OrderObject is where the artefact bucket says which models nodes copy first. It is
// neither in the user data, which would replace all nodes when it changes, nor in the
// models bucket, which is people's.
const OrderObject = "order/models.json"

// Longest names: lambda:CreateFunction, ssm:CreateDocument.
const (
	maxLambda   = 64
	maxDocument = 128
)

// ModelSync are the decisions about how a change in the models bucket reaches
// nodes.
type ModelSync struct {
	// Window is how many seconds Lambda collects events for. It is half of the
	// latency of one upload, and what makes a bulk upload a few commands.
	Window int
	// Batch is how many events it collects at most.
	Batch int
	// Timeout and Memory are the Lambda's, in seconds and MiB.
	Timeout, Memory int
	// Attempts is how often an event is tried before it is put aside.
	Attempts int
	// LogDays is how long the Lambda's log is kept.
	LogDays int
}

// ModelSync decides. A command takes a second, with the tries that a throttle may
// cost some seconds more. The timeout is short because the queue's patience hangs
// on it: what could not be told is told again after that, not after minutes.
func (p Plan) ModelSync() ModelSync {
	return ModelSync{Window: 3, Batch: 1000, Timeout: 15, Memory: 256, Attempts: 5, LogDays: 30}
}

// Visibility is how long an event that Lambda took stays hidden from others: six
// times the function's timeout and the window, as Lambda asks of its queues.
func (m ModelSync) Visibility() int { return 6*m.Timeout + m.Window }

// SyncQueueName is the name of the queue of events.
func (p Plan) SyncQueueName() string { return p.name("model-sync", maxQueue) }

// SyncDeadLettersName is the name of the queue of those that nobody could handle.
func (p Plan) SyncDeadLettersName() string { return p.name("model-sync-failed", maxQueue) }

// SyncQueueARN is the ARN of the queue of events, empty until the account is
// known.
func (p Plan) SyncQueueARN() string { return p.arn("sqs", p.RegionName, p.SyncQueueName()) }

// SyncDeadLettersARN is the ARN of the other.
func (p Plan) SyncDeadLettersARN() string {
	return p.arn("sqs", p.RegionName, p.SyncDeadLettersName())
}

// SyncDocumentARN is the ARN of the document that pokes nodes.
func (p Plan) SyncDocumentARN() string {
	return p.arn("ssm", p.RegionName, "document/"+p.ExternalName(SyncDocument))
}

// Order is where nodes read which models come first.
func (p Plan) Order() string { return "s3://" + p.ArtefactBucket() + "/" + OrderObject }

// modelSyncName is the name that AWS shows of a resource of part modelsync.
func (p Plan) modelSyncName(k kit.Key) string {
	switch k {
	case SyncFunction:
		return p.name("model-sync", maxLambda)
	case SyncFunctionRole:
		return p.name("model-sync", maxRole)
	case SyncFunctionLogs:
		return "/aws/lambda/" + p.ExternalName(SyncFunction)
	case SyncDocument:
		// A document's name must not begin with aws or amazon, which a claim's may.
		return fit("comfyui-"+strings.ReplaceAll(p.Studio, ".", "-"), "-"+p.id()+"-model-sync", maxDocument)
	}

	return ""
}

// InstancesARN are all instances of the studio's region and account: who is let
// near them is told apart by tag.
func (p Plan) InstancesARN() string { return p.arn("ec2", p.RegionName, "instance/*") }
