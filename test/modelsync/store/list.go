package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/url"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// maxPage is how many keys a listing's page has at most.
const maxPage = 1000

// control moves control characters into a private area of Unicode, from where
// the front's answer is mended: Go's XML encoder would replace them.
const control = 0xE000

// ListObjectsV2 gives one page of a listing.
func (s *Store) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	b, err := s.admit(*in.Bucket, OperationList)
	if err != nil {
		return s3response.ListObjectsV2Result{}, err
	}

	after := *in.StartAfter

	if token := *in.ContinuationToken; token != "" {
		raw, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return s3response.ListObjectsV2Result{}, s3err.APIError{Code: "InvalidArgument", Description: "The continuation token provided is incorrect", HTTPStatusCode: 400}
		}

		after = string(raw)
	}

	encode, encoding, err := encodingOf(ctx)
	if err != nil {
		return s3response.ListObjectsV2Result{}, err
	}

	limit := min(*in.MaxKeys, maxPage)
	most := int(limit)

	if s.PageSize > 0 {
		most = min(most, s.PageSize)
	}

	p := s.page(b, *in.Prefix, *in.Delimiter, after, most)

	res := s3response.ListObjectsV2Result{
		Name: in.Bucket, Prefix: encoded(encode, *in.Prefix), Delimiter: encoded(encode, *in.Delimiter), StartAfter: encoded(encode, *in.StartAfter),
		MaxKeys: new(limit), KeyCount: new(int32(len(p.objects) + len(p.prefixes))), //nolint:gosec // At most a thousand.
		IsTruncated: new(p.more), EncodingType: encoding,
	}

	if *in.ContinuationToken != "" {
		res.ContinuationToken = in.ContinuationToken
	}

	if p.more {
		res.NextContinuationToken = new(base64.URLEncoding.EncodeToString([]byte(p.last)))
	}

	for _, o := range p.objects {
		res.Contents = append(res.Contents, listed(o, encode))
	}

	for _, prefix := range p.prefixes {
		res.CommonPrefixes = append(res.CommonPrefixes, types.CommonPrefix{Prefix: new(encode(prefix))})
	}

	if s.OnPage != nil {
		s.OnPage(strings.Clone(*in.Bucket))
	}

	return res, nil
}

type listing struct {
	objects  []*Object
	prefixes []string
	last     string
	more     bool
}

func (s *Store) page(b *bucket, prefix, delimiter, after string, limit int) listing {
	s.mu.RLock()
	defer s.mu.RUnlock()

	p := listing{}

	for i := sort.SearchStrings(b.keys, max(after, prefix)); i < len(b.keys); i++ {
		key := b.keys[i]
		if !strings.HasPrefix(key, prefix) {
			break
		}

		if key <= after {
			continue
		}

		group := ""
		if n := strings.Index(key[len(prefix):], delimiter); delimiter != "" && n >= 0 {
			group = key[:len(prefix)+n+len(delimiter)]
		}

		if group != "" && (strings.HasPrefix(after, group) || len(p.prefixes) > 0 && p.prefixes[len(p.prefixes)-1] == group) {
			// The rest of a group that this page, or the one before, has.
			continue
		}

		if len(p.objects)+len(p.prefixes) == limit {
			p.more = limit > 0
			break
		}

		p.last = key
		if group != "" {
			p.prefixes = append(p.prefixes, group)
			p.last = group

			continue
		}

		p.objects = append(p.objects, b.objects[key])
	}

	return p
}

func listed(o *Object, encode func(string) string) s3response.Object {
	class := types.ObjectStorageClassStandard
	if o.archived {
		class = types.ObjectStorageClassGlacier
	}

	l := s3response.Object{
		Key: new(encode(o.Key)), ETag: &o.ETag, Size: new(o.Size()), LastModified: &o.Modified, StorageClass: class,
		ChecksumAlgorithm: []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc64nvme}, ChecksumType: types.ChecksumTypeFullObject,
	}
	if o.unchecked {
		l.ChecksumAlgorithm, l.ChecksumType = nil, ""
	} else if o.algorithm != "" {
		l.ChecksumAlgorithm, l.ChecksumType = []types.ChecksumAlgorithm{o.algorithm}, o.sumType
	}

	return l
}

// encodingOf reads what the front does not pass on: its context is the request.
func encodingOf(ctx context.Context) (func(string) string, types.EncodingType, error) {
	request, ok := ctx.(*fasthttp.RequestCtx)
	if !ok {
		return unsafeXML, "", nil
	}

	switch e := string(request.QueryArgs().Peek("encoding-type")); e {
	case "":
		return unsafeXML, "", nil
	case "url":
		return encodeURL, types.EncodingTypeUrl, nil
	default:
		return nil, "", s3err.APIError{Code: "InvalidArgument", Description: "Invalid Encoding Method specified in Request", HTTPStatusCode: 400}
	}
}

// encodeURL is how S3 encodes in a listing: as a form, but for the slashes.
func encodeURL(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }

// unsafeXML marks what XML cannot say; see mendXML.
func unsafeXML(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			return control + r
		}

		return r
	}, s)
}

// mendXML makes of the marks what S3 sends: references to characters that XML
// 1.0 does not allow, on which a strict parser fails.
func mendXML(body []byte) []byte {
	if !bytes.ContainsFunc(body, marked) {
		return body
	}

	const digits = "0123456789abcdef"

	mended := make([]byte, 0, len(body))

	for _, r := range string(body) {
		if marked(r) {
			c := r - control
			mended = append(mended, '&', '#', 'x')

			if c >= 16 {
				mended = append(mended, digits[c/16])
			}

			mended = append(mended, digits[c%16], ';')

			continue
		}

		mended = utf8.AppendRune(mended, r)
	}

	return mended
}

func marked(r rune) bool { return r >= control && r < control+' ' }

func encoded(encode func(string) string, s string) *string { return new(encode(s)) }
