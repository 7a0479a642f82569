package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"hash"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// mostParts is how many parts S3 lets an upload have.
const mostParts = 10000

// An upload is the multipart upload of one file. Its parts are hashed in their
// order and uploaded in any.
type upload struct {
	f    *Fetcher
	file File
	log  *slog.Logger

	id   string
	part int64
	// Start is how many parts were there when it began.
	start int32
	sum   hash.Hash

	mu sync.Mutex
	// Done is how many parts from the first on are there, tags what S3 calls each,
	// and states the hash's state behind each that is not counted yet.
	done   int32
	tags   map[int32]string
	states map[int32][]byte
	// Mute says that notes cannot be written, which was said.
	mute bool
}

// upload goes on with the upload of a file, or begins one.
func (f *Fetcher) upload(ctx context.Context, file File, log *slog.Logger) (*upload, error) {
	u := &upload{f: f, file: file, log: log, sum: sha256.New(), tags: map[int32]string{}, states: map[int32][]byte{}}

	if n, ok := f.remembered(ctx, file); ok && u.resume(ctx, n) {
		log.InfoContext(ctx, "goes on", slog.Int64("from", int64(u.done)*u.part))
		return u, nil
	}

	u.sum, u.tags, u.done, u.start, u.part = sha256.New(), map[int32]string{}, 0, 0, partSize(file.Size, f.Part)

	out, err := f.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: new(f.Models), Key: new(file.Path),
		// Metadata is given now or never.
		Metadata: metadata(file),
		// Nodes check the whole file with it.
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
		ChecksumType:      types.ChecksumTypeFullObject,
	})
	if err != nil {
		return nil, writing(err)
	}

	u.id = aws.ToString(out.UploadId)
	// One of a single part has nothing to go on from.
	if partsOf(file.Size, u.part) > 1 {
		u.note(ctx, u.state())
	}

	return u, nil
}

// partSize is the least that makes no more parts than S3 takes, in whole MiB.
func partSize(size, least int64) int64 {
	if partsOf(size, least) <= mostParts {
		return least
	}

	const mib = 1 << 20

	return ((size+mostParts-1)/mostParts + mib - 1) / mib * mib
}

func partsOf(size, part int64) int64 { return (size + part - 1) / part }

// resume takes up an upload where S3 still has what the note tells of.
func (u *upload) resume(ctx context.Context, n note) bool {
	state, ok := u.sum.(encoding.BinaryUnmarshaler)
	if !ok || state.UnmarshalBinary(n.Hash) != nil {
		return false
	}

	pages := s3.NewListPartsPaginator(u.f.Client, &s3.ListPartsInput{Bucket: new(u.f.Models), Key: new(u.file.Path), UploadId: new(n.Upload)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false
		}

		for _, p := range page.Parts {
			number := aws.ToInt32(p.PartNumber)
			if number >= 1 && number <= n.Done && aws.ToInt64(p.Size) == lengthOf(number, n.Part, u.file.Size) {
				u.tags[number] = aws.ToString(p.ETag)
			}
		}
	}

	u.id, u.part, u.done, u.start = n.Upload, n.Part, n.Done, n.Done

	return len(u.tags) == int(n.Done)
}

// lengthOf is the length of a part; parts count from 1.
func lengthOf(number int32, part, size int64) int64 {
	return min(part, size-int64(number-1)*part)
}

// hashed adds the next part to the hash.
func (u *upload) hashed(number int32, p []byte) {
	// A hash never fails.
	_, _ = u.sum.Write(p)
	state := u.state()

	u.mu.Lock()
	defer u.mu.Unlock()

	u.states[number] = state
}

// state is the hash's. SHA-256 of the standard library always has one.
func (u *upload) state() []byte {
	m, ok := u.sum.(encoding.BinaryMarshaler)
	if !ok {
		return nil
	}

	b, err := m.MarshalBinary()
	if err != nil {
		return nil
	}

	return b
}

// send uploads a part that was hashed.
func (u *upload) send(ctx context.Context, number int32, p []byte) error {
	out, err := u.f.Client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: new(u.f.Models), Key: new(u.file.Path), UploadId: new(u.id), PartNumber: new(number), Body: bytes.NewReader(p),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
	})
	if err != nil {
		return writing(err)
	}

	u.mu.Lock()
	defer u.mu.Unlock()

	u.tags[number] = aws.ToString(out.ETag)
	u.f.Progress(u.file, min(int64(len(u.tags))*u.part, u.file.Size))

	before := u.done

	var state []byte
	for u.tags[u.done+1] != "" && u.states[u.done+1] != nil {
		u.done++
		state = u.states[u.done]
		delete(u.states, u.done)
	}

	if u.done == before || int64(u.done) == partsOf(u.file.Size, u.part) {
		return nil
	}

	u.note(ctx, state)

	return nil
}

// note remembers how far the upload is. A fetch that is not remembered is a fetch
// all the same.
func (u *upload) note(ctx context.Context, state []byte) {
	err := u.f.remember(ctx, u.file, note{Upload: u.id, Part: u.part, Done: u.done, Hash: state})
	if err != nil && !u.mute && ctx.Err() == nil {
		u.mute = true
		u.log.WarnContext(ctx, "will start again if it is interrupted", slog.Any("error", err))
	}
}

// complete makes the object appear, if it is what was declared and nothing is
// there.
func (u *upload) complete(ctx context.Context) error {
	if sum := hex.EncodeToString(u.sum.Sum(nil)); sum != u.file.SHA256 {
		u.drop(ctx)
		return refuse(Checksum, "the content has sha256 %s, not %s", sum, u.file.SHA256)
	}

	parts := make([]types.CompletedPart, 0, len(u.tags))
	for i := range int32(partsOf(u.file.Size, u.part)) { //nolint:gosec // Ten thousand at most.
		parts = append(parts, types.CompletedPart{PartNumber: new(i + 1), ETag: new(u.tags[i+1])})
	}

	_, err := u.f.Client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: new(u.f.Models), Key: new(u.file.Path), UploadId: new(u.id),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		ChecksumType:    types.ChecksumTypeFullObject,
		MpuObjectSize:   new(u.file.Size),
		IfNoneMatch:     new("*"),
	})
	if err != nil {
		// An answer that got lost, another build that was faster, or somebody's own
		// file that came in between: the bucket knows.
		switch there, look := u.f.there(ctx, u.file); {
		case there:
		case codeOf(look) == Conflict:
			u.drop(ctx)
			return look
		default:
			return writing(err)
		}
	}

	u.over(ctx)

	return nil
}

// drop throws away what was uploaded.
func (u *upload) drop(ctx context.Context) {
	_, err := u.f.Client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: new(u.f.Models), Key: new(u.file.Path), UploadId: new(u.id)})
	if err != nil && !errors.Is(err, context.Canceled) {
		u.log.WarnContext(ctx, "leaves an upload to the bucket's life cycle", slog.Any("error", err))
	}

	u.over(ctx)
}

// over forgets what was remembered of the upload.
func (u *upload) over(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()

	if err := u.f.forget(ctx, u.file); err != nil {
		u.log.WarnContext(ctx, "leaves a note behind", slog.Any("error", err))
	}
}
