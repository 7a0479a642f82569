// Package nodes reads what the studio's GPU nodes say of their models: one document
// a node in the artefact bucket, which the daemon there writes when something in it
// has changed and every few minutes besides.
package nodes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// prefix is where nodes write.
	prefix = "nodes/"
	// every is how often the bucket is looked at: each time costs.
	every = time.Minute
	// gone is the age of a document whose node is not there any more: twice what one
	// that lives lets it grow.
	gone = 10 * time.Minute
	// patience is how long all of it may take: whoever asks has more to tell.
	patience = 15 * time.Second
	// mostDocument is how much of a document is read. It names 200 keys a list at
	// most, each of 1,024 bytes at most.
	mostDocument = 1 << 20
	// mostWords is how much of an error is told.
	mostWords = 256
)

// A Summary is how all nodes' models are.
type Summary struct {
	// Nodes are those that said anything lately, Equal those of them whose directory
	// is equal to the bucket.
	Nodes int `json:"nodes"`
	Equal int `json:"equal"`
	// Refused and Skipped are the greatest number of any node: objects that cannot be
	// files, and that do not fit.
	Refused int `json:"refused,omitempty"`
	Skipped int `json:"skipped,omitempty"`
	// LastError is one node's, and begins with its instance.
	LastError string `json:"lastError,omitempty"`
}

// A Reader reads them.
type Reader struct {
	client *s3.Client
	bucket string
	now    func() time.Time

	at      time.Time
	known   map[string]known
	summary Summary
	err     error
}

// known is a document that was read.
type known struct {
	etag     string
	document document
}

// document is what a node writes, as far as it is of interest here.
type document struct {
	Instance     string `json:"instance"`
	Complete     bool   `json:"complete"`
	RefusedCount int    `json:"refusedCount"`
	SkippedCount int    `json:"skippedCount"`
	LastError    string `json:"lastError"`
}

// New reads a bucket of a region.
func New(ctx context.Context, region, bucket string) (*Reader, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return nil, fmt.Errorf("cannot find credentials: %w", err)
	}

	return &Reader{client: s3.NewFromConfig(cfg), bucket: bucket, now: time.Now, known: map[string]known{}}, nil
}

// Read tells how they are: what was read within the last minute, or anew. Only what
// has changed is asked for.
func (r *Reader) Read(ctx context.Context) (Summary, error) {
	if now := r.now(); r.at.IsZero() || now.Sub(r.at) >= every {
		r.at, r.err = now, r.read(ctx, now)
	}

	return r.summary, r.err
}

func (r *Reader) read(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	alive := map[string]known{}
	pages := s3.NewListObjectsV2Paginator(r.client, &s3.ListObjectsV2Input{Bucket: &r.bucket, Prefix: new(prefix)})

	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("cannot list what nodes say: %w", err)
		}

		for _, o := range page.Contents {
			key, etag := aws.ToString(o.Key), aws.ToString(o.ETag)
			if now.Sub(aws.ToTime(o.LastModified)) > gone {
				continue
			}

			one, ok := r.known[key]
			if !ok || one.etag != etag {
				d, err := r.document(ctx, key)
				if err != nil {
					return err
				}

				one = known{etag, d}
			}

			alive[key] = one
		}
	}

	r.known, r.summary = alive, summarize(alive)

	return nil
}

// document reads one. What cannot be read is that node's error, and no one else's.
func (r *Reader) document(ctx context.Context, key string) (document, error) {
	answer, err := r.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.bucket, Key: &key})
	if err != nil {
		return document{}, fmt.Errorf("cannot read what a node says: %w", err)
	}

	b, err := io.ReadAll(io.LimitReader(answer.Body, mostDocument))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return document{}, fmt.Errorf("cannot read what a node says: %w", err)
	}

	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		d = document{LastError: "what it says cannot be read"}
	}

	d.Instance = cmp.Or(d.Instance, strings.TrimSuffix(strings.TrimPrefix(key, prefix), ".json"))

	return d, nil
}

// summarize is the same for the same documents.
func summarize(all map[string]known) Summary {
	var (
		out    = Summary{Nodes: len(all)}
		errors []string
	)

	for _, one := range all {
		d := one.document
		if d.Complete {
			out.Equal++
		}

		out.Refused, out.Skipped = max(out.Refused, d.RefusedCount), max(out.Skipped, d.SkippedCount)

		if d.LastError != "" {
			errors = append(errors, d.Instance+": "+d.LastError)
		}
	}

	if len(errors) > 0 {
		first := strings.ToValidUTF8(slices.Min(errors), "")
		out.LastError = strings.ToValidUTF8(first[:min(len(first), mostWords)], "")
	}

	return out
}
