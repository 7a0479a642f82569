// Package buckettest plays as much of S3 as a mirror uses, strictly: what it does
// not know it refuses. Tests say between which requests the bucket changes and
// what goes wrong.
package buckettest

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	// PartSize is that of each part but the last of an object in parts.
	PartSize int
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

type content struct {
	Key          string `xml:"Key"`
	LastModified string `xml:"LastModified"`
	ETag         string `xml:"ETag"`
	Size         int    `xml:"Size"`
	StorageClass string `xml:"StorageClass"`
}

type listing struct {
	XMLName               xml.Name  `xml:"ListBucketResult"`
	Name                  string    `xml:"Name"`
	KeyCount              int       `xml:"KeyCount"`
	MaxKeys               int       `xml:"MaxKeys"`
	EncodingType          string    `xml:"EncodingType,omitempty"`
	IsTruncated           bool      `xml:"IsTruncated"`
	NextContinuationToken string    `xml:"NextContinuationToken,omitempty"`
	Contents              []content `xml:"Contents"`
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for name := range q {
		if !slices.Contains([]string{"list-type", "encoding-type", "continuation-token", "start-after", "max-keys", "x-id"}, name) {
			refuse(w, r, http.StatusNotImplemented, "NotImplemented")
			return
		}
	}

	after := q.Get("start-after")

	if t := q.Get("continuation-token"); t != "" {
		b, err := base64.StdEncoding.DecodeString(t)
		if err != nil {
			refuse(w, r, http.StatusBadRequest, "InvalidArgument")
			return
		}

		after = string(b)
	}

	most := s.Page
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		most = min(most, n)
	}

	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write([]byte(xml.Header))
	_ = xml.NewEncoder(w).Encode(s.page(after, most, q.Get("encoding-type")))
}

// page are the keys after one.
func (s *Server) page(after string, most int, encoding string) listing {
	s.mu.Lock()
	defer s.mu.Unlock()

	var keys []string

	for k := range s.objects {
		if k > after {
			keys = append(keys, k)
		}
	}

	slices.Sort(keys)

	out := listing{Name: Name, MaxKeys: most, EncodingType: encoding, IsTruncated: len(keys) > most}
	keys = keys[:min(len(keys), most)]

	if out.IsTruncated {
		out.NextContinuationToken = base64.StdEncoding.EncodeToString([]byte(keys[len(keys)-1]))
	}

	for _, k := range keys {
		o := s.objects[k]

		if out.EncodingType == "url" {
			k = strings.ReplaceAll(url.QueryEscape(k), "%2F", "/")
		}

		out.Contents = append(out.Contents, content{
			Key: k, LastModified: o.Modified.Format("2006-01-02T15:04:05.000Z"), ETag: `"` + o.ETag + `"`, Size: len(o.Body), StorageClass: "STANDARD",
		})
	}

	out.KeyCount = len(keys)

	return out
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, key string, f Fault) {
	s.mu.Lock()
	o, ok := s.objects[key]
	s.mu.Unlock()

	switch match := r.Header.Get("If-Match"); {
	case !ok:
		refuse(w, r, http.StatusNotFound, "NoSuchKey")
		return
	case match != "" && match != `"`+o.ETag+`"`:
		refuse(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	case o.Archived && r.Method == http.MethodGet:
		refuse(w, r, http.StatusForbidden, "InvalidObjectState")
		return
	}

	h := w.Header()
	h.Set("ETag", `"`+o.ETag+`"`)
	h.Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")

	if o.SHA256 != "" {
		h.Set("X-Amz-Meta-Sha256", o.SHA256)
	}

	body, status := o.Body, http.StatusOK

	if text := r.Header.Get("Range"); text != "" {
		var first, last int

		if _, err := fmt.Sscanf(text, "bytes=%d-%d", &first, &last); err != nil || first >= len(body) || last < first {
			refuse(w, r, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}

		last = min(last, len(body)-1)
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(body)))
		body, status = body[first:last+1], http.StatusPartialContent
	}

	// S3 has no checksum of a range.
	if a, v, ok := strings.Cut(o.Sum, ":"); ok && status == http.StatusOK && r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		h.Set("X-Amz-Checksum-"+a, v)
		h.Set("X-Amz-Checksum-Type", map[bool]string{false: "FULL_OBJECT", true: "COMPOSITE"}[strings.Contains(v, "-")])
	}

	if r.URL.Query().Get("partNumber") == "1" && o.PartSize > 0 {
		body, status = body[:min(o.PartSize, len(body))], http.StatusPartialContent
	}

	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)

	if r.Method == http.MethodGet {
		send(w, body, f)
	}
}

func send(w http.ResponseWriter, body []byte, f Fault) {
	if f.Flip && len(body) > 0 {
		body = slices.Clone(body)
		body[0] ^= 1
	}

	if f.Cut == 0 || f.Cut >= len(body) {
		_, _ = w.Write(body)
		return
	}

	_, _ = w.Write(body[:f.Cut])
	_ = http.NewResponseController(w).Flush()

	panic(http.ErrAbortHandler)
}

func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)

	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, aws.ToString(&code))
	}
}
