package store_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

func TestObjects(t *testing.T) {
	ctx := context.Background()
	s, c := serve(t)
	moment := time.Date(2026, 3, 1, 12, 0, 0, 987_000_000, time.UTC)
	s.Clock = func() time.Time { return moment }

	first, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(name), Key: aws.String("k"), Body: strings.NewReader("first")})
	if err != nil {
		t.Fatal(err)
	}

	second, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(name), Key: aws.String("k"), Body: strings.NewReader("other")})
	if err != nil {
		t.Fatal(err)
	}

	if *first.ETag == *second.ETag {
		t.Error("two contents have one ETag")
	}

	h, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(name), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}

	if want := moment.Truncate(time.Second); !h.LastModified.Equal(want) {
		t.Errorf("LastModified has whole seconds: want %v, got %v", want, h.LastModified)
	}

	if h.ChecksumType != types.ChecksumTypeFullObject || h.ChecksumCRC32 == nil {
		t.Errorf("the SDK's own CRC32 is kept: got %v, %v", h.ChecksumType, h.ChecksumCRC32)
	}

	plain, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(name), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}

	if plain.ChecksumCRC32 != nil || plain.ChecksumType != "" {
		t.Error("without checksum mode a HEAD tells no checksum")
	}

	r, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String("k"), Range: aws.String("bytes=1-3"), IfMatch: second.ETag, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}

	body, _ := io.ReadAll(r.Body)
	if string(body) != "the" || *r.ContentRange != "bytes 1-3/5" || r.ChecksumCRC32 != nil || *r.ETag != *second.ETag {
		t.Errorf("a range: got %q, %q, checksum %v", body, *r.ContentRange, r.ChecksumCRC32)
	}

	s.PutUnchecked(name, "old", store.Bytes([]byte("old")))

	h, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(name), Key: aws.String("old"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}

	if h.ChecksumType != "" || h.ChecksumCRC64NVME != nil {
		t.Errorf("an object from before S3's checksums has none: got %v", h.ChecksumType)
	}

	// 123456789 is the check string of the catalogue of CRCs.
	s.Put(name, "check", store.Bytes([]byte("123456789")))

	h, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(name), Key: aws.String("check"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff("rosUhgp5mIg=", aws.ToString(h.ChecksumCRC64NVME)); diff != "" {
		t.Errorf("what came without checksum has a CRC64NVME, -want, +got:\n%s", diff)
	}

	if diff := cmp.Diff(`"25f9e794323b453885f5181f1b624d0b"`, *h.ETag); diff != "" {
		t.Errorf("the ETag of one part is its MD5, -want, +got:\n%s", diff)
	}
}

// TestReplacedInMidRead reads with two requests what is replaced in between.
func TestReplacedInMidRead(t *testing.T) {
	ctx := context.Background()
	s, c := serve(t)
	old, fresh := store.Seeded(1, 32<<20), store.Seeded(2, 32<<20)
	s.Put(name, "big", old)

	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String("big")})
	if err != nil {
		t.Fatal(err)
	}

	s.Put(name, "big", fresh)

	same(t, "a read in flight keeps its version", old, out.Body)

	out, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String("big")})
	if err != nil {
		t.Fatal(err)
	}

	same(t, "the next has the new bytes", fresh, out.Body)
}

func TestLargeObjectCostsNothing(t *testing.T) {
	ctx := context.Background()
	s, c := serve(t)
	content := store.Seeded(9, 20<<30)
	s.PutLarge(name, "big", content, 64<<20)

	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String("big"), Range: aws.String("bytes=21474836470-")})
	if err != nil {
		t.Fatal(err)
	}

	body, err := io.ReadAll(out.Body)
	want, _ := io.ReadAll(io.NewSectionReader(content, 20<<30-10, 10))

	if err != nil || !bytes.Equal(want, body) {
		t.Errorf("the last ten bytes of 20 GiB: want %x, got %x, %v", want, body, err)
	}
}
