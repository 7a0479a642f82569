package nodes

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

// A world is what nodes have written, by key, each with when.
type world struct {
	texts   map[string]string
	written map[string]time.Time
	gets    []string
	refuses bool
}

func (w *world) put(key, text string, at time.Time) { w.texts[key], w.written[key] = text, at }

// ServeHTTP plays S3: two keys a page.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/artefacts/")

	switch {
	case w.refuses:
		rw.WriteHeader(http.StatusForbidden)
	case r.URL.Query().Get("list-type") == "2" && r.URL.Query().Get("prefix") == "nodes/":
		w.list(rw, r.URL.Query().Get("continuation-token"))
	case r.Method == http.MethodGet && w.texts[key] != "":
		w.gets = append(w.gets, key)
		_, _ = rw.Write([]byte(w.texts[key]))
	default:
		rw.WriteHeader(http.StatusNotFound)
	}
}

func (w *world) list(rw http.ResponseWriter, after string) {
	var page []string

	for _, k := range slices.Sorted(maps.Keys(w.texts)) {
		if k > after {
			page = append(page, k)
		}
	}

	more := len(page) > 2
	page = page[:min(len(page), 2)]

	fmt.Fprintf(rw, "<ListBucketResult><IsTruncated>%t</IsTruncated>", more)

	for _, k := range page {
		fmt.Fprintf(rw, "<Contents><Key>%s</Key><ETag>%x</ETag><LastModified>%s</LastModified></Contents>", k, w.texts[k], w.written[k].UTC().Format(time.RFC3339))
	}

	if more {
		fmt.Fprintf(rw, "<NextContinuationToken>%s</NextContinuationToken>", page[1])
	}

	fmt.Fprint(rw, "</ListBucketResult>")
}

// TestRead goes through a studio's morning.
func TestRead(t *testing.T) {
	w := &world{texts: map[string]string{}, written: map[string]time.Time{}}

	server := httptest.NewServer(w)
	defer server.Close()

	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	r := &Reader{
		client: s3.New(s3.Options{
			Region: "eu-west-1", BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		}),
		bucket: "artefacts", now: func() time.Time { return now }, known: map[string]known{},
	}

	read := func(wait time.Duration, want Summary, gets []string, reason string) {
		t.Helper()

		now, w.gets = now.Add(wait), nil

		got, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\nRead(...): -want, +got:\n%s", reason, diff)
		}

		if diff := cmp.Diff(gets, w.gets); diff != "" {
			t.Errorf("%s\nGETs: -want, +got:\n%s", reason, diff)
		}
	}

	const whole = `{"instance":"i-1","complete":true,"refusedCount":1}`

	read(0, Summary{}, nil, "Nobody says anything.")

	w.put("nodes/i-1.json", whole, now)
	w.put("nodes/i-2.json", `{"instance":"i-2","skippedCount":3,"complete":true}`, now)
	w.put("nodes/i-3.json", `{"instance":"i-3","lastError":"`+strings.Repeat("é", 300)+`"}`, now)
	w.put("nodes/i-4.json", `not json`, now)

	read(59*time.Second, Summary{}, nil, "It is not looked at all the time.")

	first := "i-3: " + strings.Repeat("é", 125)
	read(time.Second, Summary{Nodes: 4, Equal: 2, Refused: 1, Skipped: 3, LastError: first}, slices.Sorted(maps.Keys(w.texts)), "All are read, page after page.")

	w.put("nodes/i-4.json", `{"instance":"i-4","complete":true}`, now)
	read(time.Minute, Summary{Nodes: 4, Equal: 3, Refused: 1, Skipped: 3, LastError: first}, []string{"nodes/i-4.json"}, "Only what has changed is.")

	w.put("nodes/i-1.json", whole, now.Add(9*time.Minute))
	read(10*time.Minute, Summary{Nodes: 1, Equal: 1, Refused: 1}, nil, "Who says nothing any more is gone.")

	w.refuses = true
	now = now.Add(time.Minute)

	for range 2 {
		if _, err := r.Read(t.Context()); err == nil {
			t.Error("What cannot be read is told, for as long as it is not tried again.")
		}
	}

	w.refuses = false

	read(time.Minute, Summary{Nodes: 1, Equal: 1, Refused: 1}, nil, "And then read.")
}
