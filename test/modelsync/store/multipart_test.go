package store_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

func TestMultipart(t *testing.T) {
	ctx := context.Background()
	_, c := serve(t)

	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(name), Key: aws.String("k"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject, Metadata: map[string]string{"sha256": "abc"}})
	if err != nil {
		t.Fatal(err)
	}

	content := store.Seeded(3, minPart+1000)
	done := []types.CompletedPart{}

	for i, size := range []int64{minPart, 1000} {
		b, _ := io.ReadAll(io.NewSectionReader(content, int64(i)*minPart, size))

		p, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String(name), Key: aws.String("k"), UploadId: up.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: bytes.NewReader(b), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme})
		if err != nil {
			t.Fatal(err)
		}

		done = append(done, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: p.ETag})
	}

	complete := func(change func(*s3.CompleteMultipartUploadInput)) error {
		in := &s3.CompleteMultipartUploadInput{Bucket: aws.String(name), Key: aws.String("k"), UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: done}}
		change(in)
		_, err := c.CompleteMultipartUpload(ctx, in)

		return err
	}

	refusals := map[string]refusal{
		"order": refused(complete(func(in *s3.CompleteMultipartUploadInput) {
			in.MultipartUpload.Parts = []types.CompletedPart{done[1], done[0]}
		})),
		"etag": refused(complete(func(in *s3.CompleteMultipartUploadInput) {
			in.MultipartUpload.Parts = []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: done[1].ETag}}
		})),
		"checksum": refused(complete(func(in *s3.CompleteMultipartUploadInput) { in.ChecksumCRC64NVME = aws.String("AAAAAAAAAAA=") })),
		"upload":   refused(complete(func(in *s3.CompleteMultipartUploadInput) { in.UploadId = aws.String("other") })),
		"size":     refused(complete(func(in *s3.CompleteMultipartUploadInput) { in.MpuObjectSize = aws.Int64(7) })),
		"nothing": refused(func() error {
			_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(name), Key: aws.String("k")})
			return err
		}()),
		"well":  refused(complete(func(in *s3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") })),
		"twice": refused(complete(func(*s3.CompleteMultipartUploadInput) {})),
	}

	want := map[string]refusal{
		"order": {400, "InvalidPartOrder"}, "etag": {400, "InvalidPart"}, "checksum": {400, "BadDigest"}, "upload": {404, "NoSuchUpload"}, "size": {400, "InvalidRequest"},
		"nothing": {404, "NotFound"}, "well": {}, "twice": {404, "NoSuchUpload"},
	}
	if diff := cmp.Diff(want, refusals); diff != "" {
		t.Errorf("completing an upload, -want, +got:\n%s", diff)
	}

	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}

	if !strings.HasSuffix(*out.ETag, `-2"`) || out.Metadata["sha256"] != "abc" || out.ChecksumCRC64NVME == nil {
		t.Errorf("two parts: got ETag %s, metadata %v, checksum %v", *out.ETag, out.Metadata, out.ChecksumCRC64NVME)
	}

	same(t, "the parts in their order", content, out.Body)

	r, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String("k"), PartNumber: aws.Int32(2)})
	if err != nil {
		t.Fatal(err)
	}

	if aws.ToInt32(r.PartsCount) != 2 || aws.ToInt64(r.ContentLength) != 1000 {
		t.Errorf("one part of two: got %d parts, length %d", aws.ToInt32(r.PartsCount), aws.ToInt64(r.ContentLength))
	}
}

const minPart = 5 << 20

func TestSmallPart(t *testing.T) {
	ctx := context.Background()
	_, c := serve(t)

	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(name), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}

	parts := []types.CompletedPart{}

	for i := range int32(2) {
		p, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String(name), Key: aws.String("k"), UploadId: up.UploadId, PartNumber: aws.Int32(i + 1), Body: strings.NewReader("small")})
		if err != nil {
			t.Fatal(err)
		}

		parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(i + 1), ETag: p.ETag})
	}

	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: aws.String(name), Key: aws.String("k"), UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	if diff := cmp.Diff(refusal{400, "EntityTooSmall"}, refused(err)); diff != "" {
		t.Errorf("a part that is not the last has 5 MiB, -want, +got:\n%s", diff)
	}
}
