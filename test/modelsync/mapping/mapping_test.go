package mapping_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/mapping"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/queue"
)

// function counts how often it saw each body, and answers as a case says.
type function struct {
	answer func(ids []string, bodies []string) ([]byte, error)

	mu   sync.Mutex
	seen map[string]int
	// now goes on with each batch, so that what failed is visible again after it
	// and never before.
	now time.Time
}

func (f *function) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.now
}

func (f *function) invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event struct {
		Records []struct {
			MessageID string `json:"messageId"`
			Body      string `json:"body"`
		} `json:"Records"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}

	f.mu.Lock()
	defer f.mu.Unlock()

	f.now = f.now.Add(time.Hour)

	var ids, bodies []string

	for _, r := range event.Records {
		f.seen[r.Body]++
		ids, bodies = append(ids, r.MessageID), append(bodies, r.Body)
	}

	return f.answer(ids, bodies)
}

func TestMapping(t *testing.T) {
	fail := func(id string) []byte { return []byte(`{"batchItemFailures":[{"itemIdentifier":"` + id + `"}]}`) }

	cases := map[string]struct {
		reason string
		answer func(ids, bodies []string) ([]byte, error)
		// dead are the bodies that end as dead letters after two tries.
		dead []string
	}{
		"Success": {reason: "An empty list is success.", answer: func([]string, []string) ([]byte, error) { return []byte(`{"batchItemFailures":[]}`), nil }},
		"Nothing": {reason: "So is no answer.", answer: func([]string, []string) ([]byte, error) { return nil, nil }},
		"Null":    {reason: "So is null.", answer: func([]string, []string) ([]byte, error) { return []byte("null"), nil }},
		"Error":   {reason: "An error brings all back.", answer: func([]string, []string) ([]byte, error) { return nil, errors.New("broken") }, dead: []string{"a", "b"}},
		"Unknown": {reason: "So does an id that was not sent.", answer: func([]string, []string) ([]byte, error) { return fail("other"), nil }, dead: []string{"a", "b"}},
		"Unread":  {reason: "So does what is no JSON.", answer: func([]string, []string) ([]byte, error) { return []byte("{"), nil }, dead: []string{"a", "b"}},
		"OneFails": {
			reason: "One that failed comes again, without the others.",
			answer: func(ids, bodies []string) ([]byte, error) {
				if i := slices.Index(bodies, "a"); i >= 0 {
					return fail(ids[i]), nil
				}

				return nil, nil
			},
			dead: []string{"a"},
		},
	}

	for n, tc := range cases {
		t.Run(n, func(t *testing.T) {
			f := &function{answer: tc.answer, seen: map[string]int{}}
			q := queue.New(queue.Settings{Visibility: time.Minute, MaxReceives: 2, Clock: f.clock})

			endpoint, stop, err := q.Serve()
			if err != nil {
				t.Fatal(err)
			}
			defer stop()

			q.Send("a")
			q.Send("b")

			m := &mapping.Mapping{
				Client: sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}),
				Queue:  endpoint + "/123456789012/" + queue.Name, Batch: 2, Window: 10 * time.Millisecond, Concurrency: 1, Invoke: f.invoke,
			}

			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()

			go m.Run(ctx)

			for q.Len() > 0 {
				time.Sleep(time.Millisecond)
			}

			got := []string(nil)
			for _, d := range q.Dead() {
				got = append(got, d.Body)
			}

			slices.Sort(got)

			if diff := cmp.Diff(tc.dead, got); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}

			want := map[string]int{"a": 1, "b": 1}
			for _, d := range tc.dead {
				want[d] = 2
			}

			f.mu.Lock()
			defer f.mu.Unlock()

			if diff := cmp.Diff(want, f.seen); diff != "" {
				t.Errorf("%s How often each was seen, -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
