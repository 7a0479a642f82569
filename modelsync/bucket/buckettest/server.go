// Package buckettest plays as much of S3 as a mirror uses, strictly: what it does
// not know it refuses. Tests say between which requests the bucket changes and
// what goes wrong.
//
// It is for the tests beside the code: it answers without a connection too, where
// time is not the world's, and needs nothing but the SDK. test/modelsync/store is
// for programs as they run: S3 with signatures, writes and uploads in parts, by a
// server whose many modules this one does without.
package buckettest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Name is the bucket's.
const Name = "models"

// An Object is what is under a key.
type Object struct {
	Body []byte
	ETag string
	// Sum is "ALGORITHM:value" of the whole object, or empty. A composite one ends
	// in a dash and the number of parts.
	Sum string
	// Parts are the sizes of an object's parts, if it is in parts.
	Parts []int
	// SHA256 is metadata of the uploader's.
	SHA256   string
	Archived bool
	Modified time.Time
}

// A Fault is an answer in place of the right one. The zero value is none.
type Fault struct {
	Status int
	Code   string
	// Cut ends the connection after so many bytes of the body, if it is not zero.
	Cut int
	// Flip damages the body's first byte.
	Flip bool
}

// A Server is a bucket.
type Server struct {
	mu      sync.Mutex
	objects map[string]Object
	count   int
	log     []string
	busy    int
	most    int

	// Page is how many keys a page has.
	Page int
	// Intercept is called for each request before it is answered, without the lock:
	// it may change the bucket.
	Intercept func(r *http.Request) Fault

	http   *httptest.Server
	client *s3.Client
}

// New starts a bucket that ends with the test.
func New(tb testing.TB) *Server {
	tb.Helper()

	s := &Server{objects: map[string]Object{}, Page: 1000}
	s.http = httptest.NewServer(s)
	tb.Cleanup(s.http.Close)

	s.client = s.newClient(&http.Transport{MaxIdleConnsPerHost: 64})

	return s
}

// Client is one of the server: the same each time, since its connections stay open.
func (s *Server) Client() *s3.Client { return s.client }

// Direct is a client that asks without a connection, for tests whose time is not
// the world's. It knows no Cut.
func (s *Server) Direct() *s3.Client { return s.newClient(direct{s}) }

func (s *Server) newClient(t http.RoundTripper) *s3.Client {
	return s3.New(s3.Options{
		Region: "eu-west-1", BaseEndpoint: &s.http.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient:  &http.Client{Transport: t},
	})
}

type direct struct{ *Server }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)

	answer := w.Result()
	answer.Request = r

	if r.Method == http.MethodHead {
		answer.ContentLength, _ = strconv.ParseInt(answer.Header.Get("Content-Length"), 10, 64)
	}

	return answer, nil
}

// Put puts an object, with an ETag that no other has.
func (s *Server) Put(key string, o Object) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.count++
	if o.ETag == "" {
		o.ETag = fmt.Sprintf("%032x", s.count)
	}

	// S3's times have whole seconds, and a test's are all in one.
	o.Modified = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.objects[key] = o
}

// Delete removes an object.
func (s *Server) Delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()

	delete(s.objects, key)
}

// Bodies are all objects' contents.
func (s *Server) Bodies() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()

	out := make(map[string]string, len(s.objects))
	for k, o := range s.objects {
		out[k] = string(o.Body)
	}

	return out
}

// Requests are all there were, as "METHOD key range", since the last call.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()

	out := s.log
	s.log = nil

	return out
}

// Most is how many requests were under way at once.
func (s *Server) Most() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.most
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/"+Name)
	key := strings.TrimPrefix(path, "/")

	s.mu.Lock()
	s.log = append(s.log, strings.TrimSpace(r.Method+" "+key+" "+r.Header.Get("Range")))
	s.busy++
	s.most = max(s.most, s.busy)
	s.mu.Unlock()

	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()

		s.busy--
	}()

	var f Fault
	if s.Intercept != nil {
		f = s.Intercept(r)
	}

	switch {
	case f.Status != 0:
		refuse(w, r, f.Status, f.Code)
	case path == r.URL.Path || r.Header.Get("Authorization") == "":
		refuse(w, r, http.StatusForbidden, "AccessDenied")
	case key == "" && r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		s.list(w, r)
	case key != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		s.get(w, r, key, f)
	default:
		refuse(w, r, http.StatusNotImplemented, "NotImplemented")
	}
}
