package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const name = "models"

// serve gives a store with one bucket, and a client that asks once.
func serve(t *testing.T) (*store.Store, *s3.Client) {
	t.Helper()

	s := store.New()
	s.Make(name)

	endpoint, stop, err := s.Serve()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	return s, store.Client(endpoint, func(o *s3.Options) { o.RetryMaxAttempts = 1 })
}

// refusal is an error as S3 sends it.
type refusal struct {
	Status int
	Code   string
}

func refused(err error) refusal {
	r := refusal{}

	if status, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		r.Status = status.HTTPStatusCode()
	}

	if api, ok := errors.AsType[smithy.APIError](err); ok {
		r.Code = api.ErrorCode()
	}

	return r
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()

	cases := map[string]struct {
		reason  string
		arrange func(*store.Store)
		do      func(*s3.Client) error
		want    refusal
	}{
		"GetAbsent": {
			reason: "A key that is not there is 404 to who may list.",
			do: func(c *s3.Client) error {
				_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String("none")})
				return err
			},
			want: refusal{404, "NoSuchKey"},
		},
		"HeadAbsent": {
			reason: "HEAD has no body to say more.",
			do: func(c *s3.Client) error {
				_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(name), Key: aws.String("none")})
				return err
			},
			want: refusal{404, "NotFound"},
		},
		"HeadAbsentUnlisted": {
			reason:  "Without s3:ListBucket S3 does not tell whether a key exists.",
			arrange: func(s *store.Store) { s.Unlist(name, true) },
			do: func(c *s3.Client) error {
				_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(name), Key: aws.String("none")})
				return err
			},
			want: refusal{403, "Forbidden"},
		},
		"HeadForbidden": {
			reason:  "An object may be out of reach by itself.",
			arrange: func(s *store.Store) { s.Forbid(name, "one") },
			do: func(c *s3.Client) error {
				_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(name), Key: aws.String("one")})
				return err
			},
			want: refusal{403, "Forbidden"},
		},
		"ListUnlisted": {
			reason:  "Without s3:ListBucket there is no listing.",
			arrange: func(s *store.Store) { s.Unlist(name, true) },
			do: func(c *s3.Client) error {
				_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(name)})
				return err
			},
			want: refusal{403, "AccessDenied"},
		},
		"NoBucket": {
			reason: "A bucket that is not there is named so.",
			do: func(c *s3.Client) error {
				_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("nowhere")})
				return err
			},
			want: refusal{404, "NoSuchBucket"},
		},
		"SlowDown": {
			reason:  "Too many requests are 503.",
			arrange: func(s *store.Store) { s.SlowDown(1) },
			do: func(c *s3.Client) error {
				_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(name)})
				return err
			},
			want: refusal{503, "SlowDown"},
		},
		"IfMatchStale": {
			reason: "A range of a version that was replaced is 412.",
			do:     get("one", func(in *s3.GetObjectInput) { in.IfMatch, in.Range = aws.String(`"stale"`), aws.String("bytes=0-1") }),
			want:   refusal{412, "PreconditionFailed"},
		},
		"RangeBeyondEnd": {
			reason: "A range that starts behind the end is 416.",
			do:     get("one", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=100-200") }),
			want:   refusal{416, "InvalidRange"},
		},
		"RangeOfNothing": {
			reason:  "An empty object has no range at all.",
			arrange: func(s *store.Store) { s.Put(name, "one", store.Bytes(nil)) },
			do:      get("one", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=0-0") }),
			want:    refusal{416, "InvalidRange"},
		},
		"Archived": {
			reason:  "What is in Glacier is listed and cannot be read.",
			arrange: func(s *store.Store) { s.Archive(name, "one") },
			do:      get("one", func(*s3.GetObjectInput) {}),
			want:    refusal{403, "InvalidObjectState"},
		},
		"PutOverOther": {
			reason: "If-None-Match: * never overwrites.",
			do:     put("one", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }),
			want:   refusal{412, "PreconditionFailed"},
		},
		"PutIfMatchStale": {
			reason: "If-Match replaces only what was seen.",
			do:     put("one", func(in *s3.PutObjectInput) { in.IfMatch = aws.String(`"stale"`) }),
			want:   refusal{412, "PreconditionFailed"},
		},
		"KeyTooLong": {
			reason: "A key has at most 1,024 bytes.",
			do:     put(strings.Repeat("k", 1025), func(*s3.PutObjectInput) {}),
			want:   refusal{400, "KeyTooLongError"},
		},
		"KeyAboveRoot": {
			reason: "A key whose dots climb above the root is refused.",
			do:     put("../escape", func(*s3.PutObjectInput) {}),
			want:   refusal{400, "400"},
		},
		"WrongChecksum": {
			reason: "Bytes that are not what the client says are refused.",
			do:     put("two", func(in *s3.PutObjectInput) { in.ChecksumCRC64NVME = aws.String("AAAAAAAAAAA=") }),
			want:   refusal{400, "BadDigest"},
		},
		"ForeignToken": {
			reason: "A continuation token is S3's own.",
			do: func(c *s3.Client) error {
				_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(name), ContinuationToken: aws.String("%%%")})
				return err
			},
			want: refusal{400, "InvalidArgument"},
		},
		"UnknownEncoding": {
			reason: "S3 knows one encoding.",
			do: func(c *s3.Client) error {
				_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(name), EncodingType: "base64"})
				return err
			},
			want: refusal{400, "InvalidArgument"},
		},
		"CopyOntoItself": {
			reason: "A copy onto itself must change something.",
			do: func(c *s3.Client) error {
				_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(name), Key: aws.String("one"), CopySource: aws.String(name + "/one")})
				return err
			},
			want: refusal{400, "InvalidRequest"},
		},
		"WrongSecret": {
			reason: "Signatures are checked.",
			do: func(c *s3.Client) error {
				_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(name)}, func(o *s3.Options) {
					o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
						return aws.Credentials{AccessKeyID: store.AccessKey, SecretAccessKey: "wrong"}, nil
					})
				})
				return err
			},
			want: refusal{403, "SignatureDoesNotMatch"},
		},
	}

	for n, tc := range cases {
		t.Run(n, func(t *testing.T) {
			s, c := serve(t)
			s.Put(name, "one", store.Bytes([]byte("content")))

			if tc.arrange != nil {
				tc.arrange(s)
			}

			if diff := cmp.Diff(tc.want, refused(tc.do(c))); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func get(key string, change func(*s3.GetObjectInput)) func(*s3.Client) error {
	return func(c *s3.Client) error {
		in := &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String(key)}
		change(in)
		_, err := c.GetObject(context.Background(), in)

		return err
	}
}

func put(key string, change func(*s3.PutObjectInput)) func(*s3.Client) error {
	return func(c *s3.Client) error {
		in := &s3.PutObjectInput{Bucket: aws.String(name), Key: aws.String(key), Body: strings.NewReader("other")}
		change(in)
		_, err := c.PutObject(context.Background(), in)

		return err
	}
}

func TestHTTPStatusOfPlainGet(t *testing.T) {
	s := store.New()
	s.Make(name)

	endpoint, stop, err := s.Serve()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()

	r, err := http.Get(endpoint + "/" + name + "/one") //nolint:noctx // A test.
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()

	if r.StatusCode != http.StatusForbidden {
		t.Errorf("who does not sign is refused: got %d", r.StatusCode)
	}
}

func same(t *testing.T, what string, want store.Content, got io.Reader) {
	t.Helper()

	body, err := io.ReadAll(got)
	if err != nil {
		t.Fatal(err)
	}

	whole, _ := io.ReadAll(io.NewSectionReader(want, 0, want.Size()))
	if !bytes.Equal(whole, body) {
		t.Errorf("%s: it does not (%d bytes, want %d)", what, len(body), len(whole))
	}
}
