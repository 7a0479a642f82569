package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A Notebook keeps notes by name. Reading one that is not there is an error,
// deleting it is none.
type Notebook interface {
	Read(ctx context.Context, name string) ([]byte, error)
	Write(ctx context.Context, name string, note []byte) error
	Delete(ctx context.Context, name string) error
}

// inBucket keeps notes in a bucket, where the next build finds them.
type inBucket struct {
	client *s3.Client
	at     Location
}

// most is more than a note ever has.
const most = 64 << 10

func (n inBucket) Read(ctx context.Context, name string) ([]byte, error) {
	out, err := n.client.GetObject(ctx, &s3.GetObjectInput{Bucket: new(n.at.Bucket), Key: new(n.at.Prefix + name)})
	if err != nil {
		return nil, fmt.Errorf("cannot read the note: %w", err)
	}
	defer out.Body.Close()

	return io.ReadAll(io.LimitReader(out.Body, most))
}

func (n inBucket) Write(ctx context.Context, name string, note []byte) error {
	_, err := n.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: new(n.at.Bucket), Key: new(n.at.Prefix + name), Body: bytes.NewReader(note), ContentType: new("application/json"),
	})
	if err != nil {
		return fmt.Errorf("cannot write the note: %w", err)
	}

	return nil
}

func (n inBucket) Delete(ctx context.Context, name string) error {
	if _, err := n.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: new(n.at.Bucket), Key: new(n.at.Prefix + name)}); err != nil {
		return fmt.Errorf("cannot delete the note: %w", err)
	}

	return nil
}
