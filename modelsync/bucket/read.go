package bucket

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/errgroup"

	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
)

// silence is how long nothing may come before a request counts as lost.
const silence = 20 * time.Second

// errSilent is why such a request was given up.
var errSilent = fmt.Errorf("nothing came for %s", silence)

// Head asks what is known of an object now.
func (b *Bucket) Head(ctx context.Context, key string) (Head, error) {
	var head Head

	err := b.try(ctx, func(ctx context.Context) (bool, error) {
		return false, awake(ctx, func(ctx context.Context, _ func()) error {
			answer, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key, ChecksumMode: types.ChecksumModeEnabled}, once)
			if err != nil {
				return sort(err)
			}

			head = Head{
				Object: Object{Key: key, ETag: version(answer.ETag), Size: aws.ToInt64(answer.ContentLength), Modified: aws.ToTime(answer.LastModified)},
				SHA256: answer.Metadata["sha256"],
			}
			head.stored(map[checksum.Algorithm]*string{
				checksum.CRC64NVME: answer.ChecksumCRC64NVME, checksum.CRC32: answer.ChecksumCRC32, checksum.CRC32C: answer.ChecksumCRC32C,
				checksum.SHA256: answer.ChecksumSHA256, checksum.SHA512: answer.ChecksumSHA512, checksum.SHA1: answer.ChecksumSHA1,
				checksum.XXHash64: answer.ChecksumXXHASH64, checksum.MD5: answer.ChecksumMD5,
			})

			return nil
		})
	})

	return head, err
}

// PartSizes asks how large each part of o is that it was uploaded in, of which S3
// tells one at a time.
func (b *Bucket) PartSizes(ctx context.Context, o Object, parts int) ([]int64, error) {
	sizes := make([]int64, parts)

	g, within := errgroup.WithContext(ctx)
	g.SetLimit(b.limit.most)

	for i := range sizes {
		g.Go(func() error {
			var err error
			sizes[i], err = b.PartSize(within, o, i+1)

			return err
		})
	}

	return sizes, g.Wait()
}

// PartSize asks how large the nth part of o is. Uploaders make all parts of one size
// but the last, though S3 does not ask that of them.
func (b *Bucket) PartSize(ctx context.Context, o Object, n int) (int64, error) {
	var size int64

	err := b.try(ctx, func(ctx context.Context) (bool, error) {
		return false, awake(ctx, func(ctx context.Context, _ func()) error {
			answer, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &o.Key, IfMatch: match(o), PartNumber: new(int32(n))}, once) //nolint:gosec // S3 has 10,000 parts at most.
			if err == nil {
				size = aws.ToInt64(answer.ContentLength)
			}

			return sort(err)
		})
	})

	return size, err
}

// Range reads the bytes of o from first up to but not with end, and puts them
// where they belong in w. All of them are of the version o, or ErrChanged says
// that it is gone. Bytes pass through buffer, and sum sees each once and in order.
// A range that is cut off goes on where it was cut.
func (b *Bucket) Range(ctx context.Context, o Object, first, end int64, w io.WriterAt, sum hash.Hash, buffer []byte) error {
	at := first

	return b.try(ctx, func(ctx context.Context) (bool, error) {
		before := at

		err := awake(ctx, func(ctx context.Context, alive func()) error {
			answer, err := b.client.GetObject(ctx, &s3.GetObjectInput{
				Bucket: &b.name, Key: &o.Key, IfMatch: match(o), Range: new(fmt.Sprintf("bytes=%d-%d", at, end-1)),
			}, once, unchecked)
			if err != nil {
				return sort(err)
			}
			defer answer.Body.Close()

			if err := isRange(answer, o, at, end); err != nil {
				return err
			}

			return pour(answer.Body, w, sum, buffer, &at, end, alive)
		})

		return at > before, err
	})
}

// Whole reads all of o in one request, and tells the stored checksum that came
// with it and that of the bytes: by the same algorithm, if it is one that can be
// computed.
func (b *Bucket) Whole(ctx context.Context, o Object, w io.WriterAt, buffer []byte) (Head, checksum.Sum, error) {
	var (
		head Head
		sum  checksum.Sum
	)

	err := b.try(ctx, func(ctx context.Context) (bool, error) {
		return false, awake(ctx, func(ctx context.Context, alive func()) error {
			answer, err := b.client.GetObject(ctx, &s3.GetObjectInput{
				Bucket: &b.name, Key: &o.Key, IfMatch: match(o),
			}, once, unchecked, withSums)
			if err != nil {
				return sort(err)
			}
			defer answer.Body.Close()

			if err := isVersion(answer, o); err != nil {
				return err
			}

			head = Head{Object: o, SHA256: answer.Metadata["sha256"]}
			head.stored(map[checksum.Algorithm]*string{
				checksum.CRC64NVME: answer.ChecksumCRC64NVME, checksum.CRC32: answer.ChecksumCRC32, checksum.CRC32C: answer.ChecksumCRC32C,
				checksum.SHA256: answer.ChecksumSHA256, checksum.SHA512: answer.ChecksumSHA512, checksum.SHA1: answer.ChecksumSHA1,
				checksum.XXHash64: answer.ChecksumXXHASH64, checksum.MD5: answer.ChecksumMD5,
			})

			sum.Algorithm = checksum.CRC64NVME
			if !head.Sum.None() {
				sum.Algorithm = head.Sum.Algorithm
			}

			h := sum.Algorithm.New()

			if err := pour(answer.Body, w, h, buffer, new(int64), o.Size, alive); err != nil {
				return err
			}

			sum.Value = h.Sum(nil)

			return nil
		})
	})

	return head, sum, err
}

// unchecked has the SDK leave checksums to us: it knows nothing of ranges, and
// says so in the log each time.
func unchecked(o *s3.Options) {
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	o.DisableLogOutputChecksumValidationSkipped = true
}

// withSums has S3 tell the stored checksum. The SDK's own field for that would have
// it compare as well, and its error cannot be told from a broken connection's.
func withSums(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue("X-Amz-Checksum-Mode", string(types.ChecksumModeEnabled)))
}

// isRange holds an answer to what was asked for. A server, or something on the
// way, that sends another part of the object would go unnoticed otherwise.
func isRange(answer *s3.GetObjectOutput, o Object, at, end int64) error {
	if err := isVersion(answer, o); err != nil {
		return err
	}

	want := fmt.Sprintf("bytes %d-%d/", at, end-1)
	if got := aws.ToString(answer.ContentRange); !strings.HasPrefix(got, want) {
		return fmt.Errorf("asked for %q and got %q", want, got)
	}

	return nil
}

// pour moves bytes up to end from r to their places in w.
func pour(r io.Reader, w io.WriterAt, sum hash.Hash, buffer []byte, at *int64, end int64, alive func()) error {
	for *at < end {
		n, err := r.Read(buffer[:min(int64(len(buffer)), end-*at)])
		if n > 0 {
			alive()

			if _, err := w.WriteAt(buffer[:n], *at); err != nil {
				return &WriteError{Err: err}
			}

			_, _ = sum.Write(buffer[:n])
			*at += int64(n)
		}

		switch {
		case errors.Is(err, io.EOF) && *at < end:
			return io.ErrUnexpectedEOF
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
	}

	return nil
}

// awake gives up what has been silent for too long. What is given calls alive
// whenever something came.
func awake(ctx context.Context, do func(ctx context.Context, alive func()) error) error {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	timer := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer timer.Stop()

	err := do(within, func() { timer.Reset(silence) })
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(within), errSilent) {
		return errSilent
	}

	return err
}
