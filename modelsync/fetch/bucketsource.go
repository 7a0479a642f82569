package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A bucketSource is an object in somebody's bucket.
type bucketSource struct {
	client      *s3.Client
	bucket, key string
	version     string
}

func (b *bucketSource) look(ctx context.Context) (about, error) {
	out, err := b.get(ctx, "bytes=0-0", "")
	if err != nil {
		return about{}, err
	}
	defer out.Body.Close()

	b.version = aws.ToString(out.ETag)
	at := about{size: -1, ranges: true, version: b.version, sha256: out.Metadata["sha256"]}

	if !hex64.MatchString(at.sha256) {
		at.sha256 = ""
	}

	if _, size, ok := strings.Cut(aws.ToString(out.ContentRange), "/"); ok {
		if at.size, err = strconv.ParseInt(size, 10, 64); err != nil {
			return about{}, passing(Source, "S3 gives the range %q", aws.ToString(out.ContentRange))
		}
	}

	return at, nil
}

func (b *bucketSource) open(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	out, err := b.get(ctx, fmt.Sprintf("bytes=%d-%d", off, off+n-1), b.version)
	if err != nil {
		return nil, err
	}

	if aws.ToInt64(out.ContentLength) != n {
		_ = out.Body.Close()
		return nil, passing(Source, "S3 gives %d bytes, not %d", aws.ToInt64(out.ContentLength), n)
	}

	return out.Body, nil
}

func (b *bucketSource) get(ctx context.Context, ranged, version string) (*s3.GetObjectOutput, error) {
	in := &s3.GetObjectInput{Bucket: new(b.bucket), Key: new(b.key), Range: new(ranged)}
	if version != "" {
		in.IfMatch = new(version)
	}

	out, err := b.client.GetObject(ctx, in)
	if err == nil {
		return out, nil
	}

	if region := elsewhere(err); region != "" && region != b.client.Options().Region {
		b.client = s3.New(b.client.Options(), func(o *s3.Options) { o.Region = region })
		return b.get(ctx, ranged, version)
	}

	switch status := statusOf(err); {
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return nil, refuse(Gated, "s3://%s refuses: %w", b.bucket, err)
	case status == http.StatusNotFound:
		return nil, refuse(Missing, "s3://%s has no such object: %w", b.bucket, err)
	case status == http.StatusPreconditionFailed:
		return nil, refuse(Changed, "the object changed while it was read: %w", err)
	case status == http.StatusRequestedRangeNotSatisfiable:
		return nil, refuse(Size, "the object is shorter than declared: %w", err)
	case status == 0 || status >= http.StatusInternalServerError:
		return nil, passing(Busy, "s3://%s cannot be read: %w", b.bucket, err)
	default:
		return nil, refuse(Source, "s3://%s cannot be read: %w", b.bucket, err)
	}
}

// elsewhere is the region that S3 says a bucket is in when it was asked for in
// another.
func elsewhere(err error) string {
	r, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || r.HTTPStatusCode() != http.StatusMovedPermanently && r.HTTPStatusCode() != http.StatusBadRequest {
		return ""
	}

	return r.Response.Header.Get("X-Amz-Bucket-Region")
}

// statusOf is the status of S3's answer, or 0 where it gave none.
func statusOf(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return r.HTTPStatusCode()
	}

	return 0
}
