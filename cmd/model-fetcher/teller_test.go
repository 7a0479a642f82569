package main

import (
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/fetch"
)

// A slowBucket takes each request at once and answers it when it is let go.
type slowBucket struct {
	t    *testing.T
	puts []http.Header
	goOn chan struct{}
}

// Do implements s3.HTTPClient.
func (b *slowBucket) Do(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPut || r.URL.Path != "/artefacts/markers/models/1" {
		b.t.Errorf("nobody asks for %s %s", r.Method, r.URL)
	}

	b.puts = append(b.puts, r.Header)

	select {
	case <-b.goOn:
	case <-r.Context().Done():
		b.t.Error("What is on its way is given up, and could still arrive.")
		return nil, r.Context().Err()
	}

	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// TestTeller holds that a fetch that takes long tells what is known, under the
// marker's name, and that it is silent once it was stopped.
func TestTeller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &slowBucket{t: t, goOn: make(chan struct{})}
		client := s3.New(s3.Options{
			Region: "us-east-1", BaseEndpoint: new("http://s3"), UsePathStyle: true, HTTPClient: b,
			Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		})
		teller := newTeller(client, fetch.Location{Bucket: "artefacts", Prefix: "markers/models/1"}, slog.New(slog.DiscardHandler))

		teller.report(fetch.Result{Place: 3, Failure: fetch.Missing})
		teller.report(fetch.Result{Place: 0})

		stop := teller.every(t.Context(), tellEvery)

		time.Sleep(tellEvery)
		synctest.Wait()

		stopped := false

		go func() {
			stop()

			stopped = true
		}()

		synctest.Wait()

		if stopped || len(b.puts) != 1 {
			t.Fatalf("It waits for what is on its way: stopped %t after %d writes", stopped, len(b.puts))
		}

		close(b.goOn)
		teller.report(fetch.Result{Place: 1})
		time.Sleep(10 * tellEvery)
		synctest.Wait()

		if !stopped || len(b.puts) != 1 {
			t.Errorf("It tells something after it was stopped, over what the build says in the end: stopped %t, %d writes", stopped, len(b.puts))
		}

		want := map[string]string{"state": "fetching", "present": "1", "failures": "3:missing"}
		got := map[string]string{"state": b.puts[0].Get("X-Amz-Meta-State"), "present": b.puts[0].Get("X-Amz-Meta-Present"), "failures": b.puts[0].Get("X-Amz-Meta-Failures")}

		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("marker: -want, +got:\n%s", diff)
		}
	})
}
