package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
)

// mostParts is how many parts S3 lets an upload have.
const mostParts = 10000

// A digest is a file that was read once, and stays open.
type digest struct {
	File

	file   *os.File
	size   int64
	sha256 string
	// part is the size of a part, and sums are those of the parts in their order.
	part int64
	sums []checksum.Sum
}

// read takes the sums of a file.
func (p *Pusher) read(ctx context.Context, f File) (*digest, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot read a model: %w", err)
	}

	d := &digest{File: f, file: file}

	if err := d.sum(ctx, p); err != nil {
		d.close()
		return nil, err
	}

	return d, nil
}

func (d *digest) close() { _ = d.file.Close() }

func (d *digest) sum(ctx context.Context, p *Pusher) error {
	info, err := d.file.Stat()
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", d.Path, err)
	}

	if !info.Mode().IsRegular() {
		return fmt.Errorf("cannot push %s: it is no file", d.Path)
	}

	d.size, d.part = info.Size(), partSize(info.Size(), p.Part)
	if d.size == 0 {
		return fmt.Errorf("cannot push %s: it is empty", d.Path)
	}

	whole := sha256.New()
	buffer := make([]byte, min(d.size, 1<<20))

	for at := int64(0); at < d.size; at += d.part {
		if ctx.Err() != nil {
			return ctx.Err()
		}

		part := checksum.CRC64NVME.New()

		n, err := io.CopyBuffer(io.MultiWriter(whole, part), d.section(at), buffer)
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", d.Path, err)
		}

		if n != d.length(at) {
			return fmt.Errorf("cannot push %s: it became shorter while it was read", d.Path)
		}

		d.sums = append(d.sums, checksum.Sum{Algorithm: checksum.CRC64NVME, Value: part.Sum(nil)})
		p.Progress(d.File, Reading, at+n, d.size)
	}

	d.sha256 = hex.EncodeToString(whole.Sum(nil))

	return nil
}

// partSize is the least that makes no more parts than S3 takes, in whole MiB.
func partSize(size, least int64) int64 {
	const mib = 1 << 20

	return max(least, ((size+mostParts-1)/mostParts+mib-1)/mib*mib)
}

// length is that of the part which begins at a place.
func (d *digest) length(at int64) int64 { return min(d.part, d.size-at) }

func (d *digest) section(at int64) *io.SectionReader {
	return io.NewSectionReader(d.file, at, d.length(at))
}

// wholeSum is the sum of the file, put together from those of its parts.
func (d *digest) wholeSum() checksum.Sum {
	out := d.sums[0]
	for i, s := range d.sums[1:] {
		out = checksum.Combine(out, s, d.length(int64(i+1)*d.part))
	}

	return out
}

// text is a sum as S3 writes it.
func text(s checksum.Sum) *string { return new(base64.StdEncoding.EncodeToString(s.Value)) }

// metadata is what the object says of itself. Declared models carry the same.
func (d *digest) metadata() map[string]string { return map[string]string{"sha256": d.sha256} }

// there asks what the bucket has under the file's key.
func (p *Pusher) there(ctx context.Context, d *digest) (prior, error) {
	out, err := p.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &p.Bucket, Key: &d.Key, ChecksumMode: types.ChecksumModeEnabled})

	switch {
	case err == nil:
	case statusOf(err) == http.StatusNotFound:
		return prior{}, nil
	default:
		return prior{}, p.refused(d, err)
	}

	known := out.Metadata["sha256"] == d.sha256 || (aws.ToString(out.ChecksumCRC64NVME) == *text(d.wholeSum()) && out.ChecksumType == types.ChecksumTypeFullObject)

	switch {
	case aws.ToInt64(out.ContentLength) == d.size && known:
		return prior{same: true}, nil
	case p.Replace:
		return prior{etag: aws.ToString(out.ETag)}, nil
	}

	return prior{}, fmt.Errorf("%w (%d bytes, and this one has %d)", ErrConflict, aws.ToInt64(out.ContentLength), d.size)
}

// refused is an error of the bucket's.
func (p *Pusher) refused(d *digest, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case conflicts(err):
		return fmt.Errorf("%w, put there meanwhile", ErrConflict)
	case damaged(err):
		return fmt.Errorf("S3 refuses a part, since its bytes are not those that were read from %s before: the file, this machine or the network changes them: %w", d.Path, err)
	}

	return fmt.Errorf("cannot write to bucket %s: %w", p.Bucket, err)
}
