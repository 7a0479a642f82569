package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// deliverWithin is how long Systems Manager keeps a command for a node that it
// cannot reach, in seconds. After a minute the node has looked by itself.
const deliverWithin = 60

// everyone lets a command run on all nodes at once, and go on whatever some of
// them say. Systems Manager's own defaults are fifty at a time, and to stop at the
// first that fails.
const everyone = "100%"

// sender is what the notifier needs of Systems Manager.
type sender interface {
	SendCommand(ctx context.Context, in *ssm.SendCommandInput, opts ...func(*ssm.Options)) (*ssm.SendCommandOutput, error)
}

// A notifier tells nodes to look. It implements lambda.Handler.
type notifier struct {
	bucket, document, tagKey, tagValue string

	commands sender
	log      *slog.Logger
}

// answer names the messages that the queue shall bring again.
type answer struct {
	Failures []failure `json:"batchItemFailures"`
}

type failure struct {
	ID string `json:"itemIdentifier"`
}

// Invoke handles a batch: one command at most, whatever is in it.
func (n *notifier) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	c, changed, err := read(payload, n.bucket)
	if err != nil {
		return nil, err
	}

	log := n.log.With(
		slog.Int("messages", c.messages), slog.Int("records", c.records), slog.Int("changes", c.changes),
		slog.Int("foreign", c.foreign), slog.Int("tests", c.tests), slog.Int("malformed", c.malformed),
	)

	if c.malformed > 0 {
		log.WarnContext(ctx, "dropped what is no event of S3")
	}

	// An empty list, not null: Lambda takes a null for a whole batch that failed.
	out := answer{Failures: []failure{}}

	if len(changed) == 0 {
		log.InfoContext(ctx, "nothing changed")
	} else if id, err := n.tell(ctx); err == nil {
		log.InfoContext(ctx, "told nodes", slog.String("command", id))
	} else {
		// They come back together and cost one command again. What cannot be read
		// does not come back.
		for _, m := range changed {
			out.Failures = append(out.Failures, failure{ID: m})
		}

		log.ErrorContext(ctx, "cannot tell nodes", slog.Any("error", err), slog.Int("again", len(changed)))
	}

	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("cannot write answer: %w", err)
	}

	return b, nil
}

// tell has every node of the studio look, and names the command.
func (n *notifier) tell(ctx context.Context) (string, error) {
	out, err := n.commands.SendCommand(ctx, &ssm.SendCommandInput{
		DocumentName:   aws.String(n.document),
		Targets:        []types.Target{{Key: aws.String("tag:" + n.tagKey), Values: []string{n.tagValue}}},
		MaxConcurrency: aws.String(everyone),
		MaxErrors:      aws.String(everyone),
		TimeoutSeconds: aws.Int32(deliverWithin),
	})
	if err != nil {
		return "", fmt.Errorf("cannot send command: %w", err)
	}

	if out.Command == nil {
		return "", nil
	}

	return aws.ToString(out.Command.CommandId), nil
}
