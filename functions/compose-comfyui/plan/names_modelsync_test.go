package plan

import (
	"regexp"
	"strings"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// modelSyncNameRules are AWS's rules for the names that part modelsync decides.
// lambda:CreateFunction, logs:CreateLogGroup, ssm:CreateDocument: their API
// references; a document's name must not begin with aws, amazon or amzn.
func modelSyncNameRules() map[kit.Key]string {
	return map[kit.Key]string{
		SyncFunction:     `^[a-zA-Z0-9_-]{1,64}$`,
		SyncFunctionRole: roleRule,
		SyncFunctionLogs: logGroupRule,
		SyncDocument:     `^comfyui-[a-zA-Z0-9_.-]{1,120}$`,
	}
}

const logGroupRule = `^[.\-_/#A-Za-z0-9]{1,512}$`

// TestQueueNames holds the names that are no external names: AWS makes a queue's
// URL of them (sqs:CreateQueue).
func TestQueueNames(t *testing.T) {
	rule := regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

	for _, studio := range []string{"tokyo", longest, strings.Repeat("a", 63)} {
		p := newPlan(t, called("art", studio)).InAccount("123456789012")

		for _, name := range []string{p.SyncQueueName(), p.SyncDeadLettersName()} {
			if !rule.MatchString(name) {
				t.Errorf("SQS refuses the name %q", name)
			}
		}

		if p.SyncQueueName() == p.SyncDeadLettersName() {
			t.Errorf("Both queues are called %q", p.SyncQueueName())
		}

		if want, got := "arn:aws:sqs:ap-northeast-1:123456789012:"+p.SyncQueueName(), p.SyncQueueARN(); got != want {
			t.Errorf("SyncQueueARN(): want %q, got %q", want, got)
		}
	}

	if got := newPlan(t).SyncQueueARN(); got != "" {
		t.Errorf("An ARN is not known before the account is.\nSyncQueueARN(): got %q", got)
	}
}

// TestVisibility holds what Lambda asks of a queue: six times the function's
// timeout, and the window on top (Lambda developer guide, "Using Lambda with
// Amazon SQS").
func TestVisibility(t *testing.T) {
	m := newPlan(t).ModelSync()
	if least := 6*m.Timeout + m.Window; m.Visibility() < least {
		t.Errorf("Visibility(): want %d at least, got %d", least, m.Visibility())
	}

	if m.Window < 2 || m.Window > 5 {
		t.Errorf("The window is half of the latency of an upload: want 2 to 5 s, got %d", m.Window)
	}
}
