package faults_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/faults"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const name = "models"

var content = store.Seeded(1, 1<<20)

func serve(t *testing.T) (*faults.Proxy, *s3.Client) {
	t.Helper()

	s := store.New()
	s.Make(name)
	s.Put(name, "a/../odd//key", content)

	upstream, stop, err := s.Serve()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	p, err := faults.New(upstream)
	if err != nil {
		t.Fatal(err)
	}

	endpoint, stop, err := p.Serve()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	return p, store.Client(endpoint, func(o *s3.Options) { o.RetryMaxAttempts = 1 })
}

// got is what a client saw of one GET.
type got struct {
	Code   string
	Broken bool
	Length int64
	Range  string
	Same   bool
}

func get(c *s3.Client) got {
	out, err := c.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String("a/../odd//key"), Range: aws.String("bytes=0-99999")})
	if err != nil {
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			return got{Code: api.ErrorCode()}
		}

		return got{Broken: true}
	}

	body, err := io.ReadAll(out.Body)
	want, _ := io.ReadAll(io.NewSectionReader(content, 0, 100000))

	return got{Broken: err != nil, Length: int64(len(body)), Range: aws.ToString(out.ContentRange), Same: bytes.Equal(want, body)}
}

func TestFaults(t *testing.T) {
	cases := map[faults.Kind]struct {
		reason string
		want   func(got) bool
	}{
		faults.Cut:        {reason: "The body ends early, and the client knows.", want: func(g got) bool { return g.Broken && g.Length < 100000 }},
		faults.Internal:   {reason: "500.", want: func(g got) bool { return g.Code == "InternalError" }},
		faults.SlowDown:   {reason: "503.", want: func(g got) bool { return g.Code == "SlowDown" }},
		faults.Denied:     {reason: "403.", want: func(g got) bool { return g.Code == "AccessDenied" }},
		faults.Flip:       {reason: "All bytes come, one is wrong.", want: func(g got) bool { return !g.Broken && g.Length == 100000 && !g.Same }},
		faults.Short:      {reason: "Fewer bytes come, and the answer is well formed.", want: func(g got) bool { return !g.Broken && g.Length < 100000 }},
		faults.OtherRange: {reason: "The answer says that it is another range.", want: func(g got) bool { return g.Range == "bytes 1-100000/1048577" }},
	}

	for k, tc := range cases {
		t.Run(string(k), func(t *testing.T) {
			p, c := serve(t)
			p.Set(faults.Plan{Seed: 1, Rate: 1, Kinds: []faults.Kind{k}})

			if g := get(c); !tc.want(g) {
				t.Errorf("%s: got %+v", tc.reason, g)
			}

			if diff := cmp.Diff(map[faults.Kind]int{k: 1}, p.Counts()); diff != "" {
				t.Errorf("faults are counted, -want, +got:\n%s", diff)
			}

			p.Quiet()

			if diff := cmp.Diff(got{Length: 100000, Range: "bytes 0-99999/1048576", Same: true}, get(c)); diff != "" {
				t.Errorf("without faults the proxy cannot be seen, -want, +got:\n%s", diff)
			}
		})
	}
}

func TestStallEndsWithQuiet(t *testing.T) {
	p, c := serve(t)
	p.Set(faults.Plan{Seed: 1, Rate: 1, Kinds: []faults.Kind{faults.Stall}})

	done := make(chan got)
	go func() { done <- get(c) }()

	for p.Counts()[faults.Stall] == 0 {
		select {
		case g := <-done:
			t.Fatalf("a stalled body came whole: %+v", g)
		default:
		}
	}

	p.Quiet()

	if g := <-done; !g.Same {
		t.Errorf("the rest comes when faults are over: got %+v", g)
	}
}

func TestPages(t *testing.T) {
	p, c := serve(t)
	p.Set(faults.Plan{Pages: []int{2}})

	codes := []string{}

	for range 3 {
		_, err := c.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String(name)})
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			codes = append(codes, api.ErrorCode())
			continue
		}

		codes = append(codes, "")
	}

	if diff := cmp.Diff([]string{"", "InternalError", ""}, codes); diff != "" {
		t.Errorf("the second page fails, -want, +got:\n%s", diff)
	}
}

func TestLaterPages(t *testing.T) {
	p, c := serve(t)
	p.Set(faults.Plan{Later: true})

	_, first := c.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String(name)})
	_, second := c.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String(name), StartAfter: aws.String("a")})

	if first != nil || second == nil {
		t.Errorf("the first page comes and the second does not: got %v and %v", first, second)
	}
}

func TestScheduleFollowsFromTheSeed(t *testing.T) {
	run := func(seed uint64) []got {
		p, c := serve(t)
		p.Set(faults.Plan{Seed: seed, Rate: 0.5, Kinds: []faults.Kind{faults.Internal, faults.Flip, faults.Short}})

		story := []got{}
		for range 20 {
			story = append(story, get(c))
		}

		return story
	}

	one := run(1)
	if diff := cmp.Diff(one, run(1)); diff != "" {
		t.Errorf("one seed, one story, -first, +second:\n%s", diff)
	}

	if cmp.Equal(one, run(2)) {
		t.Error("two seeds tell one story")
	}
}
