// Command model-fetcher brings the models that a claim declares into the models
// bucket. The build of declared models runs it: it reads the manifest of what
// shall be there, and leaves behind what became of each file, as the metadata of
// the build's marker. It ends well when it has looked after every file, whatever
// became of each.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/comfyui-studio/comfyui-studio/modelsync/fetch"
)

type cli struct {
	Manifest string `help:"File that lists the models." required:"" type:"existingfile"`
	Models   string `help:"Bucket to bring them into." required:""`
	Notes    string `help:"Where progress is remembered, as s3://bucket/prefix." required:""`
	Marker   string `help:"Object that tells of a fetch that takes long, as s3://bucket/key." required:""`
	Result   string `help:"File to write what became of each to." required:""`
}

// limit keeps the garbage that the SDK makes beside the window of half a GiB from
// growing to twice that.
const limit = 1 << 30

func main() {
	c := cli{}
	kong.Parse(&c, kong.Description("Brings declared models into the models bucket."))

	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	debug.SetMemoryLimit(limit)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := c.run(ctx, log)

	stop()

	if err != nil {
		// Its last line is what the studio's condition says.
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (c *cli) run(ctx context.Context, log *slog.Logger) error {
	files, err := manifest(c.Manifest)
	if err != nil {
		return err
	}

	notes, err := location(c.Notes)
	if err != nil {
		return fmt.Errorf("cannot use --notes: %w", err)
	}

	marker, err := location(c.Marker)
	if err != nil {
		return fmt.Errorf("cannot use --marker: %w", err)
	}

	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryMaxAttempts(8))
	if err != nil {
		return fmt.Errorf("cannot load AWS configuration: %w", err)
	}

	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		// A range has no checksum, which is no news.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	t := newTeller(client, marker, log)

	f, err := fetch.New(fetch.Options{
		Models: c.Models, Notes: notes, Client: client, Token: token(secretsmanager.NewFromConfig(cfg)), Report: t.report, Log: log,
	})
	if err != nil {
		return err
	}

	stop := t.every(ctx, tellEvery)
	results := f.Fetch(ctx, files)

	stop()

	if ctx.Err() != nil {
		return fmt.Errorf("cannot go on fetching models, which the next build does: %w", context.Cause(ctx))
	}

	return write(c.Result, fetch.Marker(results, false))
}

// token reads bearer tokens from secrets.
func token(client *secretsmanager.Client) func(ctx context.Context, secret string) (string, error) {
	return func(ctx context.Context, secret string) (string, error) {
		out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(secret)})
		if err != nil {
			return "", fmt.Errorf("cannot get the secret: %w", err)
		}

		return aws.ToString(out.SecretString), nil
	}
}
