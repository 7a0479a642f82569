package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/comfyui-studio/comfyui-studio/modelsync/fetch"
)

// tellEvery is how often a fetch that takes long says how far it is. The provider
// looks for a marker every minute until there is one, and every ten minutes from
// then on: to tell sooner would make the end known later.
const tellEvery = 10 * time.Minute

// tellFor is how long telling may take.
const tellFor = time.Minute

// A teller writes what is known of a fetch that still runs.
type teller struct {
	client *s3.Client
	marker fetch.Location
	log    *slog.Logger

	mu      sync.Mutex
	results []fetch.Result
}

func newTeller(client *s3.Client, marker fetch.Location, log *slog.Logger) *teller {
	return &teller{client: client, marker: marker, log: log}
}

func (t *teller) report(r fetch.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.results = append(t.results, r)
}

// every tells from time to time until it is stopped. What is on its way then is
// waited for and not given up: it could still arrive, after what the build says in
// the end and over it.
func (t *teller) every(ctx context.Context, period time.Duration) (stop func()) {
	stopped, ended := make(chan struct{}), make(chan struct{})

	go func() {
		defer close(ended)

		tick := time.NewTicker(period)
		defer tick.Stop()

		for {
			select {
			case <-tick.C:
				t.tell(ctx)
			case <-stopped:
				return
			case <-ctx.Done():
				return
			}
		}
	}()

	return func() {
		close(stopped)
		<-ended
	}
}

func (t *teller) tell(ctx context.Context) {
	t.mu.Lock()
	metadata := fetch.Marker(t.results, true)
	t.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, tellFor)
	defer cancel()

	_, err := t.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(t.marker.Bucket), Key: aws.String(t.marker.Prefix), Body: bytes.NewReader(nil), Metadata: metadata,
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.log.WarnContext(ctx, "cannot tell how far the fetch is", slog.Any("error", err))
	}
}
