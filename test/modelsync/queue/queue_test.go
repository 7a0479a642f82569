package queue_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/queue"
)

func serve(t *testing.T, s queue.Settings) (*queue.Queue, *sqs.Client, *string) {
	t.Helper()

	q := queue.New(s)

	endpoint, stop, err := q.Serve()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	c := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &endpoint, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})

	u, err := c.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: aws.String(queue.Name)})
	if err != nil {
		t.Fatal(err)
	}

	return q, c, u.QueueUrl
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	_, c, url := serve(t, queue.Settings{})

	receive := func(in sqs.ReceiveMessageInput) error {
		in.QueueUrl = url
		_, err := c.ReceiveMessage(ctx, &in)

		return err
	}

	cases := map[string]struct {
		reason string
		do     func() error
		want   string
	}{
		"OtherQueue": {
			reason: "There is one queue.",
			do: func() error {
				_, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String("http://127.0.0.1/1/other")})
				return err
			},
			want: "QueueDoesNotExist",
		},
		"TooMany": {reason: "At most ten at once.", do: func() error { return receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: 11}) }, want: "InvalidParameterValue"},
		"TooLong": {reason: "At most twenty seconds.", do: func() error { return receive(sqs.ReceiveMessageInput{WaitTimeSeconds: 21}) }, want: "InvalidParameterValue"},
		"EmptyBatch": {
			reason: "A batch has something in it.",
			do: func() error {
				_, err := c.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{}})
				return err
			},
			want: "EmptyBatchRequest",
		},
		"Receipt": {
			reason: "A receipt is SQS's own.",
			do: func() error {
				_, err := c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: aws.String("made up")})
				return err
			},
			want: "ReceiptHandleIsInvalid",
		},
		"Unknown": {
			reason: "What this queue does not play is refused.",
			do:     func() error { _, err := c.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: url}); return err },
			want:   "InvalidAction",
		},
	}

	for n, tc := range cases {
		t.Run(n, func(t *testing.T) {
			got := ""
			if api, ok := errors.AsType[smithy.APIError](tc.do()); ok {
				got = api.ErrorCode()
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLife(t *testing.T) {
	ctx := context.Background()
	now := time.Unix(0, 0)
	q, c, url := serve(t, queue.Settings{Visibility: 30 * time.Second, MaxReceives: 2, Clock: func() time.Time { return now }})

	receive := func() []types.Message {
		out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}

		return out.Messages
	}

	for _, b := range []string{"a", "b", "c"} {
		if _, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String(b)}); err != nil {
			t.Fatal(err)
		}
	}

	first := receive()
	if len(first) != 3 || len(receive()) != 0 {
		t.Fatalf("what is received is hidden from others: got %d messages first", len(first))
	}

	now = now.Add(31 * time.Second)

	second := receive()
	if len(second) != 3 {
		t.Fatalf("what is not deleted comes again: got %d messages", len(second))
	}

	if _, err := c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: first[0].ReceiptHandle}); err != nil || q.Len() != 3 {
		t.Errorf("an old receipt deletes nothing: %v, %d messages left", err, q.Len())
	}

	if _, err := c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: second[0].ReceiptHandle}); err != nil || q.Len() != 2 {
		t.Errorf("a receipt deletes: %v, %d messages left", err, q.Len())
	}

	now = now.Add(31 * time.Second)

	if m := receive(); len(m) != 0 {
		t.Errorf("twice is enough: got %d messages", len(m))
	}

	got := []string{*second[0].Body}
	for _, m := range q.Dead() {
		got = append(got, m.Body)
	}

	slices.Sort(got)

	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Errorf("the rest is with the dead letters, -want, +got:\n%s", diff)
	}
}

func TestLongPoll(t *testing.T) {
	ctx := context.Background()
	q, c, url := serve(t, queue.Settings{Visibility: time.Minute})

	got := make(chan int)
	go func() {
		out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20})
		if err != nil {
			got <- -1
			return
		}

		got <- len(out.Messages)
	}()

	q.Send("late")

	if n := <-got; n != 1 {
		t.Errorf("who waits gets what comes: got %d", n)
	}
}
