package command_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/command"
)

func serve(t *testing.T) (*command.Manager, *ssm.Client) {
	t.Helper()

	m := command.New("poke")

	endpoint, stop, err := m.Serve()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	return m, ssm.New(ssm.Options{Region: "us-east-1", BaseEndpoint: &endpoint, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
}

// poke is what is asked for unless a case says otherwise.
func poke(change func(*ssm.SendCommandInput)) *ssm.SendCommandInput {
	in := &ssm.SendCommandInput{
		DocumentName: aws.String("poke"), Targets: []types.Target{{Key: aws.String("tag:studio"), Values: []string{"tokyo"}}},
		MaxConcurrency: aws.String("100%"), MaxErrors: aws.String("100%"),
	}
	if change != nil {
		change(in)
	}

	return in
}

func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		reason string
		change func(*ssm.SendCommandInput)
		refuse string
		want   string
	}{
		"Fine":        {reason: "This is what the function asks for."},
		"Document":    {reason: "The document must be there.", change: func(in *ssm.SendCommandInput) { in.DocumentName = aws.String("other") }, want: "InvalidDocument"},
		"Parameters":  {reason: "The document takes none.", change: func(in *ssm.SendCommandInput) { in.Parameters = map[string][]string{"key": {"x"}} }, want: "InvalidParameters"},
		"NoTarget":    {reason: "Somebody must be meant.", change: func(in *ssm.SendCommandInput) { in.Targets = nil }, want: "InvalidTarget"},
		"TargetKey":   {reason: "A tag is written with its prefix.", change: func(in *ssm.SendCommandInput) { in.Targets[0].Key = aws.String("studio") }, want: "InvalidTarget"},
		"Instance":    {reason: "An instance must be registered.", change: func(in *ssm.SendCommandInput) { in.Targets, in.InstanceIds = nil, []string{"i-none"} }, want: "InvalidInstanceId"},
		"Timeout":     {reason: "Thirty seconds are the least.", change: func(in *ssm.SendCommandInput) { in.TimeoutSeconds = aws.Int32(29) }, want: "ValidationException"},
		"Concurrency": {reason: "Zero at once is nobody.", change: func(in *ssm.SendCommandInput) { in.MaxConcurrency = aws.String("0") }, want: "ValidationException"},
		"Errors":      {reason: "More than all is refused.", change: func(in *ssm.SendCommandInput) { in.MaxErrors = aws.String("101%") }, want: "ValidationException"},
		"Throttled":   {reason: "Too many commands are refused.", refuse: "ThrottlingException", want: "ThrottlingException"},
	}

	for n, tc := range cases {
		t.Run(n, func(t *testing.T) {
			m, c := serve(t)
			m.Refuse(tc.refuse)

			_, err := c.SendCommand(context.Background(), poke(tc.change))
			got := ""

			if api, ok := errors.AsType[smithy.APIError](err); ok {
				got = api.ErrorCode()
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestDelivery(t *testing.T) {
	ctx := context.Background()
	now := time.Unix(0, 0)
	m, c := serve(t)
	m.Clock = func() time.Time { return now }

	var late, never atomic.Int32

	fine := func() error { return nil }
	tokyo := map[string]string{"studio": "tokyo"}

	m.Register("i-fine", tokyo, fine)
	m.Register("i-fails", tokyo, func() error { return errors.New("no such unit") })
	m.Register("i-other", map[string]string{"studio": "osaka"}, fine)
	back := m.Register("i-back", tokyo, func() error { late.Add(1); return nil })
	gone := m.Register("i-gone", tokyo, func() error { never.Add(1); return nil })

	back.Away(true)
	gone.Away(true)

	if _, err := c.SendCommand(ctx, poke(func(in *ssm.SendCommandInput) { in.TimeoutSeconds = aws.Int32(60) })); err != nil {
		t.Fatal(err)
	}

	m.Wait()
	m.Register("i-new", tokyo, func() error { never.Add(1); return nil })

	now = now.Add(30 * time.Second)
	back.Away(false)

	now = now.Add(31 * time.Second)
	gone.Away(false)
	m.Wait()

	want := map[string]command.Status{"i-fine": command.Success, "i-fails": command.Failed, "i-back": command.Success, "i-gone": command.DeliveryTimedOut}
	if diff := cmp.Diff(want, m.Sent()[0].Statuses()); diff != "" {
		t.Errorf("how it went, -want, +got:\n%s", diff)
	}

	if late.Load() != 1 || never.Load() != 0 {
		t.Errorf("who comes back in time runs it once, who comes later never: got %d and %d", late.Load(), never.Load())
	}
}

// TestDefaults shows why both shares must be given.
func TestDefaults(t *testing.T) {
	m, c := serve(t)

	for i := range 10 {
		m.Register(fmt.Sprintf("i-%02d", i), map[string]string{"studio": "tokyo"}, func() error { return errors.New("broken") })
	}

	if _, err := c.SendCommand(context.Background(), poke(func(in *ssm.SendCommandInput) { in.MaxConcurrency, in.MaxErrors = aws.String("1"), nil })); err != nil {
		t.Fatal(err)
	}

	m.Wait()

	failed := 0
	for _, s := range m.Sent()[0].Statuses() {
		if s == command.Failed {
			failed++
		}
	}

	if failed != 1 {
		t.Errorf("by default the first error ends the command: %d instances failed", failed)
	}
}
