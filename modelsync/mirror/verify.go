package mirror

import (
	"context"
	"fmt"
	"io"
	"slices"

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

// verifyParts computes the checksum of the parts' checksums. It needs their sizes:
// nearly always they are all of the first one's, and else each is asked for. Where S3
// does not tell them, the object is taken as it is.
func (m *Mirror) verifyParts(ctx context.Context, file disk.File, head bucket.Head, buffer []byte) error {
	first, err := m.bucket.PartSize(ctx, head.Object, 1)
	if err != nil {
		return fmt.Errorf("cannot tell how large its parts are: %w", err)
	}

	even := evenly(head.Size, first)
	if len(even) == head.Parts {
		if right, err := matchesParts(file, head, even, buffer); err != nil || right {
			return err
		}
	}

	sizes, err := m.bucket.PartSizes(ctx, head.Object, head.Parts)
	if err != nil {
		return fmt.Errorf("cannot tell how large its parts are: %w", err)
	}

	switch {
	case total(sizes) != head.Size:
		return nil
	case slices.Equal(sizes, even):
		return errDamaged
	}

	right, err := matchesParts(file, head, sizes, buffer)
	if err == nil && !right {
		err = errDamaged
	}

	return err
}

// evenly are the sizes of parts that are all as large as the first but the last.
func evenly(size, first int64) []int64 {
	if first <= 0 {
		return nil
	}

	var out []int64
	for ; size > 0; size -= first {
		out = append(out, min(first, size))
	}

	return out
}

func total(sizes []int64) int64 {
	var sum int64
	for _, s := range sizes {
		sum += s
	}

	return sum
}

// matchesParts says whether parts of these sizes have the checksum.
func matchesParts(file disk.File, head bucket.Head, sizes []int64, buffer []byte) (bool, error) {
	whole, at := head.Composite.Algorithm.New(), int64(0)

	for _, size := range sizes {
		part, err := sumOf(file, at, size, head.Composite.Algorithm, buffer)
		if err != nil {
			return false, err
		}

		_, _ = whole.Write(part.Value)
		at += size
	}

	return checksum.Sum{Algorithm: head.Composite.Algorithm, Value: whole.Sum(nil)}.Matches(head.Composite), nil
}

// sumOf reads a part of a file for its sum.
func sumOf(file disk.File, at, size int64, by checksum.Algorithm, buffer []byte) (checksum.Sum, error) {
	h := by.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, io.NewSectionReader(file, at, size), buffer); err != nil {
		return checksum.Sum{}, fmt.Errorf("cannot read what was written: %w", err)
	}

	return checksum.Sum{Algorithm: by, Value: h.Sum(nil)}, nil
}
