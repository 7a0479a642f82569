// Package mapping is Lambda's event source mapping from an SQS queue: it gathers
// messages for a window, hands them to the function by the batch, deletes those
// that went well and leaves the others to come again.
package mapping

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// received is how many messages SQS gives at once.
const received = 10

// Mapping is one event source mapping.
type Mapping struct {
	Client *sqs.Client
	Queue  string
	// Batch and Window are what the mapping is configured with.
	Batch  int
	Window time.Duration
	// Concurrency is how many batches are under way at most.
	Concurrency int
	// Invoke runs the function.
	Invoke func(ctx context.Context, payload []byte) ([]byte, error)
}

// Run polls until the context ends.
func (m *Mapping) Run(ctx context.Context) {
	var group sync.WaitGroup

	for range m.Concurrency {
		group.Go(func() {
			for ctx.Err() == nil {
				if batch := m.gather(ctx); len(batch) > 0 {
					m.deliver(ctx, batch)
				}
			}
		})
	}

	group.Wait()
}

// gather collects until the batch is full or the window is over, which begins
// with the first message.
func (m *Mapping) gather(ctx context.Context) []types.Message {
	var (
		batch []types.Message
		until time.Time
	)

	for len(batch) < m.Batch && ctx.Err() == nil {
		wait := int32(1)

		if len(batch) > 0 {
			if !time.Now().Before(until) {
				break
			}

			wait = 0
		}

		out, err := m.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &m.Queue, MaxNumberOfMessages: int32(min(received, m.Batch-len(batch))), WaitTimeSeconds: wait}) //nolint:gosec // At most ten.
		if err != nil {
			break
		}

		if len(batch) == 0 {
			until = time.Now().Add(m.Window)
		}

		if len(batch) > 0 && len(out.Messages) == 0 {
			// The window's pause between two polls.
			time.Sleep(min(m.Window/10, time.Until(until))) //nolint:mnd // Fine enough for a window.
		}

		batch = append(batch, out.Messages...)
	}

	return batch
}

type record struct {
	MessageID     string `json:"messageId"`
	ReceiptHandle string `json:"receiptHandle"`
	Body          string `json:"body"`
	EventSource   string `json:"eventSource"`
	ARN           string `json:"eventSourceARN"`
	Region        string `json:"awsRegion"`
}

func (m *Mapping) deliver(ctx context.Context, batch []types.Message) {
	event := struct {
		Records []record `json:"Records"`
	}{}
	for _, b := range batch {
		event.Records = append(event.Records, record{*b.MessageId, *b.ReceiptHandle, *b.Body, "aws:sqs", "arn:aws:sqs:us-east-1:123456789012:models", "us-east-1"})
	}

	payload, err := json.Marshal(event)
	if err != nil {
		// Strings always can be encoded.
		panic(err)
	}

	answer, err := m.Invoke(ctx, payload)
	if err != nil {
		return
	}

	again, err := failures(answer, batch)
	if err != nil {
		return
	}

	var done []types.DeleteMessageBatchRequestEntry

	for _, b := range batch {
		if !again[*b.MessageId] {
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: b.MessageId, ReceiptHandle: b.ReceiptHandle})
		}
	}

	for len(done) > 0 {
		n := min(received, len(done))

		// One that is not deleted comes again: the queue promises no more.
		_, _ = m.Client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &m.Queue, Entries: done[:n]})
		done = done[n:]
	}
}

// failures reads ReportBatchItemFailures as Lambda does: nothing, or an empty
// list, is success; what it cannot read, or an id that was not sent, fails the
// whole batch.
func failures(answer []byte, batch []types.Message) (map[string]bool, error) {
	if len(answer) == 0 {
		return nil, nil //nolint:nilnil // Nothing failed.
	}

	var out struct {
		Failures []map[string]string `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("cannot read the function's answer: %w", err)
	}

	sent := map[string]bool{}
	for _, b := range batch {
		sent[*b.MessageId] = true
	}

	again := map[string]bool{}

	for _, f := range out.Failures {
		id := f["itemIdentifier"]
		if !sent[id] {
			return nil, fmt.Errorf("the function names message %q, which was not in the batch", id)
		}

		again[id] = true
	}

	return again, nil
}
