package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
)

// mostOrder is how many bytes an order may have: a studio declares 128 models at
// most, each with a path of 512.
const mostOrder = 1 << 20

// An order reads which models come first. It is asked each minute, and is only sent
// when it is another than before.
type order struct {
	place  place
	client *s3.Client

	etag  string
	first []string
}

// newOrder returns nil where nobody says what comes first.
func newOrder(ctx context.Context, f flags) (func(context.Context) ([]string, error), error) {
	where, err := newPlace("order", f.Order)
	if err != nil || where.nowhere() {
		return nil, err
	}

	o := &order{place: where}

	if where.remote() {
		if o.client, err = bucket.NewClient(ctx, f.Region, f.Endpoint, 1); err != nil {
			return nil, err
		}
	}

	return o.ask, nil
}

// ask tells the keys in their order. Where there is no list, none comes first.
func (o *order) ask(ctx context.Context) ([]string, error) {
	read := o.file
	if o.place.remote() {
		read = o.object
	}

	text, err := read(ctx)

	switch {
	case errors.Is(err, errSame):
		return o.first, nil
	case errors.Is(err, fs.ErrNotExist):
		o.etag, o.first = "", nil
		return nil, nil
	case err != nil:
		return nil, err
	}

	var list struct {
		First []string `json:"first"`
	}

	if err := json.Unmarshal(text, &list); err != nil {
		o.etag = ""
		return nil, fmt.Errorf("cannot read the order of models: %w", err)
	}

	o.first = list.First

	return o.first, nil
}

// errSame says that the list is as it was.
var errSame = errors.New("the order is as it was")

func (o *order) file(context.Context) ([]byte, error) { return os.ReadFile(o.place.file) }

func (o *order) object(ctx context.Context) ([]byte, error) {
	in := &s3.GetObjectInput{Bucket: &o.place.bucket, Key: &o.place.key}
	if o.etag != "" {
		in.IfNoneMatch = &o.etag
	}

	answer, err := o.client.GetObject(ctx, in)

	switch bucket.StatusOf(err) {
	case http.StatusNotModified:
		return nil, errSame
	case http.StatusForbidden, http.StatusNotFound:
		// A studio that declares no models has none. Who may not list the bucket is told
		// that it is forbidden.
		return nil, fs.ErrNotExist
	}

	if err != nil {
		return nil, fmt.Errorf("cannot read s3://%s/%s: %w", o.place.bucket, o.place.key, err)
	}
	defer answer.Body.Close()

	text, err := io.ReadAll(io.LimitReader(answer.Body, mostOrder))
	if err != nil {
		return nil, fmt.Errorf("cannot read s3://%s/%s: %w", o.place.bucket, o.place.key, err)
	}

	o.etag = aws.ToString(answer.ETag)

	return text, nil
}
