package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A fleet takes commands, or refuses them with err.
type fleet struct {
	err  error
	sent []ssm.SendCommandInput
}

func (f *fleet) SendCommand(_ context.Context, in *ssm.SendCommandInput, _ ...func(*ssm.Options)) (*ssm.SendCommandOutput, error) {
	f.sent = append(f.sent, *in)
	if f.err != nil {
		return nil, f.err
	}

	return &ssm.SendCommandOutput{Command: &types.Command{CommandId: aws.String("c1")}}, nil
}

func TestInvoke(t *testing.T) {
	change := records(put("ObjectCreated:Put", bucket, "loras/secret name"))
	throttled := &types.TooManyUpdates{Message: aws.String("slow down")}

	cases := map[string]struct {
		reason string
		bodies []string
		err    error
		// again are the messages that the queue shall bring again.
		again []string
		sent  int
	}{
		"One":       {reason: "A change is one command.", bodies: []string{change}, sent: 1},
		"Many":      {reason: "So are a thousand.", bodies: slices.Repeat([]string{change}, 1000), sent: 1},
		"None":      {reason: "Nothing is none.", bodies: []string{testEvent, records(put("ObjectCreated:Put", "other", "a"))}},
		"Malformed": {reason: "What is broken is dropped, and does not come back.", bodies: []string{"{", change, "null"}, sent: 1},
		"Throttled": {reason: "Whatever asked for a command asks again.", bodies: []string{change, change}, err: throttled, sent: 1, again: []string{"m0", "m1"}},
		"Refused": {
			reason: "What is broken or is not ours does not come back with it.", bodies: []string{"{", change, testEvent, change}, err: errors.New("no"), sent: 1,
			again: []string{"m1", "m3"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f, log := &fleet{err: tc.err}, &bytes.Buffer{}
			n := &notifier{bucket: bucket, document: "doc", tagKey: "comfyui-studio", tagValue: "art/tokyo", commands: f, log: slog.New(slog.NewJSONHandler(log, nil))}

			out, err := n.Invoke(context.Background(), batch(t, tc.bodies...))
			if err != nil {
				t.Fatal(err)
			}

			got := answer{}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}

			var again []string
			for _, f := range got.Failures {
				again = append(again, f.ID)
			}

			if diff := cmp.Diff(tc.again, again); diff != "" {
				t.Errorf("%s\nbatchItemFailures: -want, +got:\n%s", tc.reason, diff)
			}

			if got.Failures == nil {
				t.Errorf("Lambda takes null for a batch that failed.\nInvoke(...): got %s", out)
			}

			if len(f.sent) != tc.sent {
				t.Errorf("%s\ncommands: want %d, got %d", tc.reason, tc.sent, len(f.sent))
			}

			if strings.Contains(log.String(), "secret") {
				t.Errorf("The log holds counts, no names.\nlog: %s", log)
			}
		})
	}
}

// TestCommand holds what nodes are told, and which.
func TestCommand(t *testing.T) {
	f := &fleet{}
	n := &notifier{bucket: bucket, document: "doc", tagKey: "comfyui-studio", tagValue: "art/tokyo", commands: f, log: slog.New(slog.DiscardHandler)}

	if _, err := n.Invoke(context.Background(), batch(t, records(put("ObjectCreated:Put", bucket, "a")))); err != nil {
		t.Fatal(err)
	}

	want := []ssm.SendCommandInput{{
		DocumentName:   aws.String("doc"),
		Targets:        []types.Target{{Key: aws.String("tag:comfyui-studio"), Values: []string{"art/tokyo"}}},
		MaxConcurrency: aws.String("100%"),
		MaxErrors:      aws.String("100%"),
		TimeoutSeconds: aws.Int32(60),
	}}
	if diff := cmp.Diff(want, f.sent, cmpopts.IgnoreUnexported(ssm.SendCommandInput{}, types.Target{})); diff != "" {
		t.Errorf("SendCommand(...): -want, +got:\n%s", diff)
	}
}

// TestNoBatch holds that what is no batch fails as a whole, and is told.
func TestNoBatch(t *testing.T) {
	n := &notifier{bucket: bucket, log: slog.New(slog.DiscardHandler)}
	if _, err := n.Invoke(context.Background(), []byte("{")); err == nil {
		t.Error("Invoke({): want an error")
	}
}
