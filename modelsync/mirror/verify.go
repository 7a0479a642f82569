package mirror

import (
	"context"
	"fmt"
	"io"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// verify compares what came with the checksum that S3 stored. Sum is that of the
// whole, by whatever algorithm it was computed on the way; where it does not do, the
// file is read once more, from memory mostly. An object without a checksum is taken
// as it is: TLS and If-Match are all there is.
func (m *Mirror) verify(ctx context.Context, file disk.File, head bucket.Head, sum checksum.Sum, buffer []byte) error {
	switch want := head.Sum; {
	case !want.None() && want.Algorithm == sum.Algorithm:
		if !sum.Matches(want) {
			return errDamaged
		}
	case !want.None():
		got, err := sumOf(file, 0, head.Size, want.Algorithm, buffer)
		if err != nil {
			return err
		}

		if !got.Matches(want) {
			return errDamaged
		}
	case !head.Composite.None():
		return m.verifyParts(ctx, file, head, buffer)
	}

	return nil
}

// verifyParts computes the checksum of the parts' checksums. It needs their sizes,
// of which S3 tells one at a time; an object whose parts are not all of the first
// one's size is taken as it is.
func (m *Mirror) verifyParts(ctx context.Context, file disk.File, head bucket.Head, buffer []byte) error {
	size, err := m.bucket.PartSize(ctx, head.Object)
	if err != nil {
		return fmt.Errorf("cannot tell how large its parts are: %w", err)
	}

	if size <= 0 || (head.Size+size-1)/size != int64(head.Parts) {
		return nil
	}

	whole := head.Composite.Algorithm.New()

	for at := int64(0); at < head.Size; at += size {
		part, err := sumOf(file, at, min(size, head.Size-at), head.Composite.Algorithm, buffer)
		if err != nil {
			return err
		}

		_, _ = whole.Write(part.Value)
	}

	if !(checksum.Sum{Algorithm: head.Composite.Algorithm, Value: whole.Sum(nil)}).Matches(head.Composite) {
		return errDamaged
	}

	return nil
}

// sumOf reads a part of a file for its sum.
func sumOf(file disk.File, at, size int64, by checksum.Algorithm, buffer []byte) (checksum.Sum, error) {
	h := by.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, io.NewSectionReader(file, at, size), buffer); err != nil {
		return checksum.Sum{}, fmt.Errorf("cannot read what was written: %w", err)
	}

	return checksum.Sum{Algorithm: by, Value: h.Sum(nil)}, nil
}
