package push

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// send puts a file into the bucket. It tells how many bytes were there from before.
func (p *Pusher) send(ctx context.Context, d *digest, before prior) (int64, error) {
	if len(d.sums) == 1 {
		return 0, p.put(ctx, d, before)
	}

	u := upload{p: p, d: d, parts: map[int32]types.CompletedPart{}}

	if err := u.begin(ctx); err != nil {
		return 0, err
	}

	resumed := u.sent.Load()

	if err := u.missing(ctx); err != nil {
		return resumed, err
	}

	return resumed, u.complete(ctx, before)
}

// conditions are that nothing has come under the key in between.
func conditions(before prior) (ifNoneMatch, ifMatch *string) {
	if before.etag != "" {
		return nil, &before.etag
	}

	return new("*"), nil
}

// put sends a file of one part.
func (p *Pusher) put(ctx context.Context, d *digest, before prior) error {
	in := &s3.PutObjectInput{
		Bucket: &p.Bucket, Key: &d.Key, Body: d.section(0), ContentLength: &d.size, Metadata: d.metadata(),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumCRC64NVME: text(d.sums[0]),
	}
	in.IfNoneMatch, in.IfMatch = conditions(before)

	if _, err := p.Client.PutObject(ctx, in); err != nil {
		return p.refused(d, err)
	}

	p.Progress(d.File, Sending, d.size, d.size)

	return nil
}

// An upload is a multipart upload of a file.
type upload struct {
	p  *Pusher
	d  *digest
	id string

	sent atomic.Int64

	mu    sync.Mutex
	parts map[int32]types.CompletedPart
}

// begin goes on with an upload that was interrupted, or begins one.
func (u *upload) begin(ctx context.Context) error {
	if id := u.p.remembered(u.d); id != "" && u.resume(ctx, id) {
		u.p.Progress(u.d.File, Sending, u.sent.Load(), u.d.size)
		return nil
	}

	out, err := u.p.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &u.p.Bucket, Key: &u.d.Key, Metadata: u.d.metadata(),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
	})
	if err != nil {
		return u.p.refused(u.d, err)
	}

	u.id = aws.ToString(out.UploadId)

	return u.p.remember(u.d, u.id)
}

// resume takes what S3 has of an upload: the parts whose sums are those of the file
// as it is now.
func (u *upload) resume(ctx context.Context, id string) bool {
	pages := s3.NewListPartsPaginator(u.p.Client, &s3.ListPartsInput{Bucket: &u.p.Bucket, Key: &u.d.Key, UploadId: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			// It is gone, as old ones go; a new one begins.
			return false
		}

		for _, part := range page.Parts {
			n := aws.ToInt32(part.PartNumber)
			if n < 1 || int(n) > len(u.d.sums) || aws.ToString(part.ChecksumCRC64NVME) != *text(u.d.sums[n-1]) {
				continue
			}

			u.parts[n] = types.CompletedPart{PartNumber: &n, ETag: part.ETag, ChecksumCRC64NVME: part.ChecksumCRC64NVME}
			u.sent.Add(u.d.length(int64(n-1) * u.d.part))
		}
	}

	u.id = id

	return true
}

// missing sends the parts that are not there, several at once.
func (u *upload) missing(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)

	for i := range u.d.sums {
		n := int32(i + 1)
		if _, ok := u.parts[n]; ok {
			continue
		}

		select {
		case u.p.streams <- struct{}{}:
		case <-ctx.Done():
			return g.Wait()
		}

		g.Go(func() error {
			defer func() { <-u.p.streams }()

			return u.part(ctx, n)
		})
	}

	return g.Wait()
}

func (u *upload) part(ctx context.Context, n int32) error {
	at := int64(n-1) * u.d.part
	length := u.d.length(at)

	out, err := u.p.Client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &u.p.Bucket, Key: &u.d.Key, UploadId: &u.id, PartNumber: &n, Body: u.d.section(at), ContentLength: &length,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumCRC64NVME: text(u.d.sums[n-1]),
	})
	if err != nil {
		return u.p.refused(u.d, err)
	}

	u.mu.Lock()
	u.parts[n] = types.CompletedPart{PartNumber: &n, ETag: out.ETag, ChecksumCRC64NVME: text(u.d.sums[n-1])}
	u.mu.Unlock()

	u.p.Progress(u.d.File, Sending, u.sent.Add(length), u.d.size)

	return nil
}

// complete makes the object appear, if it is what was read and nothing else came.
func (u *upload) complete(ctx context.Context, before prior) error {
	parts := make([]types.CompletedPart, 0, len(u.parts))
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		parts = append(parts, u.parts[n])
	}

	in := &s3.CompleteMultipartUploadInput{
		Bucket: &u.p.Bucket, Key: &u.d.Key, UploadId: &u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		ChecksumType: types.ChecksumTypeFullObject, ChecksumCRC64NVME: text(u.d.wholeSum()), MpuObjectSize: &u.d.size,
	}
	in.IfNoneMatch, in.IfMatch = conditions(before)

	if _, err := u.p.Client.CompleteMultipartUpload(ctx, in); err != nil {
		// The answer may have been lost, and the object be there.
		if now, look := u.p.there(ctx, u.d); look != nil || !now.same {
			return fmt.Errorf("cannot complete the upload: %w", u.p.refused(u.d, err))
		}
	}

	return u.p.forget(u.d)
}
