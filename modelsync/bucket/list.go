package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// page is how many keys S3 gives at most.
const page = 1000

// pages remembers where the pages of the last listing ended, so that the next one
// asks for all of them at once. A page is consistent in itself and a listing never
// is, so nothing is lost by that.
type pages struct {
	mu   sync.Mutex
	ends []string
}

// List lists the whole bucket in the order of keys. It is all or an error: half a
// listing would look like deletes.
func (b *Bucket) List(ctx context.Context) ([]Object, error) {
	b.pages.mu.Lock()
	ends := b.pages.ends
	b.pages.mu.Unlock()

	starts := append([]string{""}, ends...)
	parts := make([][]Object, len(starts))

	g, within := errgroup.WithContext(ctx)

	for i, start := range starts {
		end := ""
		if i < len(ends) {
			end = ends[i]
		}

		g.Go(func() error {
			var err error
			parts[i], err = b.between(within, start, end)

			return err
		})
	}

	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("cannot list bucket %s: %w", b.name, err)
	}

	var all []Object
	for _, part := range parts {
		all = append(all, part...)
	}

	ends = nil
	for i := page - 1; i < len(all)-1; i += page {
		ends = append(ends, all[i].Key)
	}

	b.pages.mu.Lock()
	b.pages.ends = ends
	b.pages.mu.Unlock()

	return all, nil
}

// between lists what comes after start, up to and with end.
func (b *Bucket) between(ctx context.Context, start, end string) ([]Object, error) {
	var out []Object

	in := &s3.ListObjectsV2Input{Bucket: &b.name, EncodingType: types.EncodingTypeUrl}
	if start != "" {
		in.StartAfter = &start
	}

	for {
		answer, err := b.list(ctx, in)
		if err != nil {
			return nil, err
		}

		objects, err := decode(answer, start)
		if err != nil {
			return nil, err
		}

		for _, o := range objects {
			if end != "" && o.Key > end {
				return out, nil
			}

			start = o.Key
			out = append(out, o)
		}

		if !aws.ToBool(answer.IsTruncated) || start == end {
			return out, nil
		}

		if aws.ToString(answer.NextContinuationToken) == "" {
			return nil, errors.New("the listing was cut off")
		}

		in = &s3.ListObjectsV2Input{Bucket: &b.name, EncodingType: types.EncodingTypeUrl, ContinuationToken: answer.NextContinuationToken}
	}
}

// decode reads a page. Every general purpose bucket lists in the order of bytes.
// What does not cannot be put together from pages.
func decode(answer *s3.ListObjectsV2Output, after string) ([]Object, error) {
	out := make([]Object, 0, len(answer.Contents))

	for _, c := range answer.Contents {
		o, err := object(c, answer.EncodingType)
		if err != nil {
			return nil, err
		}

		if o.Key <= after {
			return nil, fmt.Errorf("key %q comes after %q", o.Key, after)
		}

		after = o.Key
		out = append(out, o)
	}

	return out, nil
}

func (b *Bucket) list(ctx context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	var answer *s3.ListObjectsV2Output

	err := b.try(ctx, func(ctx context.Context) (bool, error) {
		return false, awake(ctx, func(ctx context.Context, _ func()) error {
			var err error
			answer, err = b.client.ListObjectsV2(ctx, in, once)

			return sort(err)
		})
	})

	return answer, err
}

// object decodes a line. S3 encodes keys on demand, as a form does: XML cannot
// hold every key. The SDK leaves them encoded.
func object(c types.Object, encoding types.EncodingType) (Object, error) {
	k := aws.ToString(c.Key)

	if encoding == types.EncodingTypeUrl {
		decoded, err := url.QueryUnescape(k)
		if err != nil {
			return Object{}, fmt.Errorf("cannot decode key %q: %w", k, err)
		}

		k = decoded
	}

	return Object{Key: k, ETag: version(c.ETag), Size: aws.ToInt64(c.Size), Modified: aws.ToTime(c.LastModified)}, nil
}

// Exists asks whether the bucket is there at all.
func (b *Bucket) Exists(ctx context.Context) error {
	if _, err := b.list(ctx, &s3.ListObjectsV2Input{Bucket: &b.name, MaxKeys: new(int32(1)), EncodingType: types.EncodingTypeUrl}); err != nil {
		return fmt.Errorf("cannot list bucket %s: %w", b.name, err)
	}

	return nil
}
