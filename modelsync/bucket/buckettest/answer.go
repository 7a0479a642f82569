package buckettest

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

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

	if n := r.URL.Query().Get("partNumber"); n != "" && len(o.Parts) > 0 {
		if body, status = part(o, n), http.StatusPartialContent; body == nil {
			refuse(w, r, http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber")
			return
		}
	}

	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)

	if r.Method == http.MethodGet {
		send(w, body, f)
	}
}

// part is the nth part of an object, or nil. Only its size is ever asked for.
func part(o Object, text string) []byte {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > len(o.Parts) {
		return nil
	}

	return make([]byte, o.Parts[n-1])
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
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
	}
}
