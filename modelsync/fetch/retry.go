package fetch

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"
)

// errIdle ends a read that nothing comes from.
var errIdle = errors.New("the source fell silent")

// longest is the longest wait between two tries.
const longest = 30 * time.Second

// retry does something until it works, fails for good, or has failed too often in
// a row. Do says whether it got further; then patience begins anew.
func (f *Fetcher) retry(ctx context.Context, do func() (further bool, err error)) error {
	pause, tries := f.Pause, 0

	for {
		further, err := do()
		if err == nil {
			return nil
		}

		if ctx.Err() != nil {
			return context.Cause(ctx)
		}

		if r, ok := errors.AsType[*refusal](err); !ok || !r.passing {
			return err
		}

		if further {
			pause, tries = f.Pause, 0
		}

		if tries++; tries >= f.Tries {
			return err
		}

		// Whoever else waits does not come back at the same moment.
		select {
		case <-time.After(pause/2 + rand.N(pause/2+1)): //nolint:gosec // Nothing secret.
		case <-ctx.Done():
			return context.Cause(ctx)
		}

		pause = min(2*pause, longest)
	}
}

// fill reads the bytes of a source from off on, whatever breaks in between.
func (f *Fetcher) fill(ctx context.Context, src source, p []byte, off int64) error {
	got := 0

	return f.retry(ctx, func() (bool, error) {
		n, err := f.attempt(ctx, src, p[got:], off+int64(got))
		got += n

		return n > 0, err
	})
}

// attempt reads as far as it goes.
func (f *Fetcher) attempt(ctx context.Context, src source, p []byte, off int64) (int, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	silent := time.AfterFunc(f.Idle, func() { stop(errIdle) })
	defer silent.Stop()

	body, err := src.open(ctx, off, int64(len(p)))
	if err != nil {
		return 0, whenSilent(ctx, err)
	}
	defer body.Close()

	got := 0

	for got < len(p) {
		n, err := body.Read(p[got:])
		got += n

		if n > 0 {
			silent.Reset(f.Idle)
		}

		if err != nil && got < len(p) {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}

			return got, whenSilent(ctx, passing(Unreachable, "the source breaks off: %w", redact(err)))
		}
	}

	return got, nil
}

// whenSilent tells a source that fell silent from a fetch that was ended.
func whenSilent(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errIdle) {
		return passing(Unreachable, "%w", errIdle)
	}

	return err
}
