package store_test

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// oddKeys are legal in S3, and trouble for a file system, a shell or XML.
var oddKeys = []string{
	"plain", ".ready", "a/../b", "a//b", "a/./b", "dir/", "dir/file", "dir", "space key", "plus+key", "percent%41", "new\nline", "bell\a", "quote'\"", "$(touch x)", "-rf",
	"*", "[a]", "ünïcode/модель.safetensors", "a&b<c>", "back\\slash", "tab\tkey", "question?x=1", "hash#1", strings.Repeat("n", 300), "Case", "case", "a..b", "q=1&r=2", "colon:semi;",
}

func TestOddKeys(t *testing.T) {
	ctx := context.Background()
	s, c := serve(t)

	for _, k := range oddKeys {
		if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(name), Key: aws.String(k), Body: strings.NewReader(k)}); err != nil {
			t.Fatalf("cannot put %q: %v", k, err)
		}
	}

	got := []string{}

	for _, o := range s.Objects(name) {
		got = append(got, o.Key)
	}

	listed := []string{}

	p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String(name), EncodingType: types.EncodingTypeUrl, MaxKeys: aws.Int32(7)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}

		for _, o := range page.Contents {
			k, err := url.QueryUnescape(*o.Key)
			if err != nil {
				t.Fatal(err)
			}

			listed = append(listed, k)
		}
	}

	if diff := cmp.Diff(got, listed); diff != "" || len(got) != len(oddKeys) {
		t.Errorf("an encoded listing has every key (%d of %d), -held, +listed:\n%s", len(got), len(oddKeys), diff)
	}

	for _, k := range oddKeys {
		out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String(k)})
		if err != nil {
			t.Errorf("cannot get %q: %v", k, err)
			continue
		}

		body, err := io.ReadAll(out.Body)
		if err != nil || string(body) != k {
			t.Errorf("get %q: got %q, %v", k, body, err)
		}
	}

	if _, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(name)}); err == nil {
		t.Error("without encoding, a control character in a key breaks the listing of a strict client; it did not")
	}
}

func TestListing(t *testing.T) {
	ctx := context.Background()
	s, c := serve(t)

	for i := range 2500 {
		s.Put(name, fmt.Sprintf("many/%04d", i), store.Seeded(uint64(i), 10))
	}

	s.Put(name, "top", store.Bytes(nil))
	s.Put(name, "x/1", store.Bytes(nil))

	sizes := []int{}
	seen := map[string]bool{}
	p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String(name)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}

		if len(sizes) == 0 {
			// Between the first page and the second.
			s.Delete(name, "many/0000")
			s.Delete(name, "many/2000")
			s.Put(name, "many/2000a", store.Bytes(nil))
		}

		sizes = append(sizes, len(page.Contents))
		for _, o := range page.Contents {
			seen[*o.Key] = true
		}
	}

	if diff := cmp.Diff([]int{1000, 1000, 502}, sizes); diff != "" {
		t.Errorf("a page has at most 1,000 keys, -want, +got:\n%s", diff)
	}

	if diff := cmp.Diff([]bool{true, false, true}, []bool{seen["many/0000"], seen["many/2000"], seen["many/2000a"]}); diff != "" {
		t.Errorf("each page is of its own moment, -want, +got:\n%s", diff)
	}

	top, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(name), Delimiter: aws.String("/")})
	if err != nil {
		t.Fatal(err)
	}

	if len(top.Contents) != 1 || len(top.CommonPrefixes) != 2 || *top.KeyCount != 3 {
		t.Errorf("a delimiter groups: got %d keys, %d groups, count %d", len(top.Contents), len(top.CommonPrefixes), *top.KeyCount)
	}

	paged := []string{}

	p = s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String(name), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}

		for _, o := range page.Contents {
			paged = append(paged, *o.Key)
		}

		for _, o := range page.CommonPrefixes {
			paged = append(paged, *o.Prefix)
		}
	}

	if diff := cmp.Diff([]string{"many/", "top", "x/"}, paged); diff != "" {
		t.Errorf("groups do not come twice over pages, -want, +got:\n%s", diff)
	}
}
