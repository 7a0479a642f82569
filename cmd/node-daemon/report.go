package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/mirror"
)

const (
	// heartbeat is how long the status is not written when nothing in it changes, since
	// each write costs. The next pass writes it then: one that is twice as old is a dead
	// node's.
	heartbeat = 5 * time.Minute
	// putFor is how long a write may take. One that is under way when the daemon is
	// told to end and the last one after it must fit what systemd waits for then, which
	// is 20 s.
	putFor = 8 * time.Second
	// instance stands for the instance's id in the place of the status.
	instance = "{instance}"
)

// A document is a status and whose it is.
type document struct {
	mirror.Status

	Instance string `json:"instance,omitempty"`
	Version  string `json:"version"`
}

// A reporter writes the status where it is seen from outside. It never holds up
// the mirror: it writes the newest status there is when it comes to it.
type reporter struct {
	put      func(context.Context, []byte) error
	instance string
	log      *slog.Logger
	statuses chan mirror.Status

	written     mirror.Status
	writtenTime time.Time
}

func newReporter(ctx context.Context, f flags, log *slog.Logger) (*reporter, error) {
	r := &reporter{log: log, statuses: make(chan mirror.Status, 1)}

	text := f.Status
	if strings.Contains(text, instance) {
		id, err := instanceID(ctx)
		if err != nil {
			return nil, err
		}

		r.instance, text = id, strings.ReplaceAll(text, instance, id)
	}

	to, err := newPlace("status", text)
	if err != nil {
		return nil, err
	}

	switch {
	case to.nowhere():
		r.put = func(context.Context, []byte) error { return nil }
	case !to.remote():
		r.put = func(_ context.Context, b []byte) error { return writeFile(to.file, b) }
	default:
		client, err := bucket.NewClient(ctx, f.Region, f.Endpoint, 1)
		if err != nil {
			return nil, err
		}

		r.put = func(ctx context.Context, b []byte) error { return putObject(ctx, client, to, b) }
	}

	return r, nil
}

// take is given each status. An older one that is not written yet makes way.
func (r *reporter) take(s mirror.Status) {
	say(line(s))

	select {
	case <-r.statuses:
	default:
	}

	r.statuses <- s
}

// start begins to write. End has it write what is left, and waits for that; nothing
// may be taken any more.
func (r *reporter) start() (end func()) {
	ended := make(chan struct{})

	go func() {
		defer close(ended)

		for s := range r.statuses {
			r.write(s)
		}
	}()

	return func() {
		close(r.statuses)
		<-ended
	}
}

func (r *reporter) write(s mirror.Status) {
	if r.same(s) && time.Since(r.writtenTime) < heartbeat {
		return
	}

	b, err := json.MarshalIndent(document{Status: s, Instance: r.instance, Version: version()}, "", "  ")
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), putFor)
		defer cancel()

		err = r.put(ctx, append(b, '\n'))
	}

	if err != nil {
		r.log.Warn("cannot report status", "error", err)
		return
	}

	r.written, r.writtenTime = s, time.Now()
}

// same says whether a status tells nothing new. Only whether something is copied
// tells more than how much was.
func (r *reporter) same(s mirror.Status) bool {
	return s.Generation == r.written.Generation && s.Ready == r.written.Ready && s.Complete == r.written.Complete &&
		s.PendingBytes == r.written.PendingBytes && s.PendingFiles == r.written.PendingFiles && s.Bytes == r.written.Bytes &&
		s.RefusedCount == r.written.RefusedCount && s.SkippedCount == r.written.SkippedCount && s.LastError == r.written.LastError
}

// line says in a sentence how things are.
func line(s mirror.Status) string {
	switch {
	case s.LastError != "":
		return "tries again: " + s.LastError
	case s.PendingFiles > 0:
		return fmt.Sprintf("copies %d files, %d bytes", s.PendingFiles, s.PendingBytes)
	}

	return fmt.Sprintf("has %d files, %d refused, %d skipped", s.Files, s.RefusedCount, s.SkippedCount)
}

func putObject(ctx context.Context, client *s3.Client, to place, b []byte) error {
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &to.bucket, Key: &to.key, Body: bytes.NewReader(b), ContentType: new("application/json")})
	if err != nil {
		return fmt.Errorf("cannot write s3://%s/%s: %w", to.bucket, to.key, err)
	}

	return nil
}

func writeFile(path string, b []byte) error {
	if err := os.WriteFile(path+".new", b, 0o644); err != nil {
		return err
	}

	return os.Rename(path+".new", path)
}

// instanceID asks the instance who it is.
func instanceID(ctx context.Context) (string, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return "", fmt.Errorf("cannot ask for the instance's id: %w", err)
	}

	answer, err := imds.NewFromConfig(cfg).GetMetadata(ctx, &imds.GetMetadataInput{Path: "instance-id"})
	if err != nil {
		return "", fmt.Errorf("cannot ask for the instance's id: %w", err)
	}

	b, err := io.ReadAll(answer.Content)
	if err := errors.Join(err, answer.Content.Close()); err != nil {
		return "", fmt.Errorf("cannot ask for the instance's id: %w", err)
	}

	return string(b), nil
}
