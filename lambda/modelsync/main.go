// Command modelsync is the Lambda that tells the studio's GPU nodes that the
// models bucket has changed. It takes the bucket's events from a queue by the
// batch, and has Systems Manager run one document on the studio's instances,
// which says "look now" and nothing else: what changed is not passed on, since
// nodes compare themselves with the bucket. It is an accelerator. Nodes look
// every minute by themselves, so an event that is lost costs time and no model.
//
// Its environment: MODELS_BUCKET, whose events count; DOCUMENT, what to run;
// TAG_KEY and TAG_VALUE, where to run it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

func main() {
	log := lambdacontext.NewLogger()

	n, err := newNotifier(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("cannot start", slog.Any("error", err))
		os.Exit(1)
	}

	lambda.Start(n)
}

func newNotifier(ctx context.Context, getenv func(string) string, log *slog.Logger) (*notifier, error) {
	n := &notifier{
		bucket:   getenv("MODELS_BUCKET"),
		document: getenv("DOCUMENT"),
		tagKey:   getenv("TAG_KEY"),
		tagValue: getenv("TAG_VALUE"),
		log:      log,
	}

	var missing []error

	for _, v := range []struct{ name, value string }{
		{"MODELS_BUCKET", n.bucket}, {"DOCUMENT", n.document}, {"TAG_KEY", n.tagKey}, {"TAG_VALUE", n.tagValue},
	} {
		if v.value == "" {
			missing = append(missing, fmt.Errorf("%s is not set", v.name))
		}
	}

	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}

	// Systems Manager takes a few commands a second of a whole account. Some tries
	// within seconds get through most throttles; the queue brings the rest back.
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 4
			o.MaxBackoff = 2 * time.Second
		})
	}))
	if err != nil {
		return nil, fmt.Errorf("cannot load AWS configuration: %w", err)
	}

	n.commands = ssm.NewFromConfig(cfg)

	return n, nil
}
