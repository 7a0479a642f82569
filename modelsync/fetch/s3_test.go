package fetch

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A fakeS3 is as much of S3 as a fetch uses, and as strict: parts have a least
// size, are complete and in order, carry checksums that are true, and nothing is
// seen before it is completed. Its parts are small, which no true S3 takes, so that
// every place at which a fetch may end is tried in no time.
type fakeS3 struct {
	*testing.T

	url string
	// LeastPart is S3's 5 MiB.
	leastPart int

	mu      sync.Mutex
	objects map[string]object
	uploads map[string]*openUpload
	last    int
	calls   map[string]int
	// Refuse is asked before each call, such as "PUT models/a?partNumber=1&…".
	refuse func(call string) (status int, code string)
	// Before is called before an upload is completed.
	before func()
}

type object struct {
	body     []byte
	metadata map[string]string
	sha256   string
}

func newFakeS3(t *testing.T) *fakeS3 {
	t.Helper()

	f := &fakeS3{T: t, leastPart: 1 << 10, objects: map[string]object{}, uploads: map[string]*openUpload{}, calls: map[string]int{}}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	f.url = s.URL

	return f
}

func (f *fakeS3) client() *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(f.url), UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
}

func (f *fakeS3) put(key, body string, metadata map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.objects[key] = object{body: []byte(body), metadata: metadata}
}

func (f *fakeS3) get(key string) (object, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()

	o, ok := f.objects[key]

	return o, ok
}

func (f *fakeS3) keys(prefix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()

	var out []string

	for k := range f.objects {
		if strings.HasPrefix(k, prefix) {
			out = append(out, k)
		}
	}

	slices.Sort(out)

	return out
}

func (f *fakeS3) count(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.calls[call]
}

func refusal3(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}

	key, q := strings.TrimPrefix(r.URL.Path, "/"), r.URL.Query()
	call := r.Method

	switch {
	case q.Has("partNumber"):
		call += " part"
	case q.Has("uploads"):
		call += " uploads"
	case q.Has("uploadId"):
		call += " upload"
	}

	f.mu.Lock()
	f.calls[call]++
	refuse, before := f.refuse, f.before
	f.mu.Unlock()

	if before != nil && call == "POST upload" {
		before()
	}

	if refuse != nil {
		if status, code := refuse(call + " " + key); status != 0 {
			refusal3(w, status, code)
			return
		}
	}

	if strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		refusal3(w, http.StatusNotImplemented, "NotImplemented")
		return
	}

	f.mu.Lock()
	defer f.mu.Unlock()

	switch call {
	case "HEAD", "GET":
		f.read(w, r, key)
	case "PUT":
		f.objects[key] = object{body: body, metadata: metadataOf(r)}
	case "DELETE":
		delete(f.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case "POST uploads":
		f.create(w, r, key)
	case "PUT part":
		f.part(w, r, key, body)
	case "GET upload":
		f.list(w, key, q.Get("uploadId"), q.Get("part-number-marker"))
	case "POST upload":
		f.complete(w, r, key, body)
	case "DELETE upload":
		delete(f.uploads, q.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	default:
		refusal3(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

func metadataOf(r *http.Request) map[string]string {
	out := map[string]string{}

	for k, v := range r.Header {
		if name, ok := strings.CutPrefix(k, "X-Amz-Meta-"); ok {
			out[strings.ToLower(name)] = v[0]
		}
	}

	return out
}

func (f *fakeS3) read(w http.ResponseWriter, r *http.Request, key string) {
	o, ok := f.objects[key]
	if !ok {
		refusal3(w, http.StatusNotFound, "NoSuchKey")
		return
	}

	for k, v := range o.metadata {
		w.Header().Set("X-Amz-Meta-"+k, v)
	}

	if o.sha256 != "" && r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		w.Header().Set("X-Amz-Checksum-Sha256", o.sha256)
		w.Header().Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}

	w.Header().Set("ETag", tag(o.body))
	http.ServeContent(w, r, "", epoch, bytes.NewReader(o.body))
}

func tag(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}
