package fetch

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// A part is a piece of a file on its way.
type part struct {
	number int32
	bytes  []byte
	// Filled is closed when the bytes are there.
	filled chan struct{}
}

// A transfer takes a file from its source through the window into an upload.
type transfer struct {
	f   *Fetcher
	src source
	up  *upload

	held, moved atomic.Int64
}

// transfer moves what is missing and completes the upload. It tells how many
// bytes it read.
func (f *Fetcher) transfer(ctx context.Context, src source, at about, up *upload) (int64, error) {
	t := &transfer{f: f, src: src, up: up}
	// What a failure leaves in flight is given back when all of it has ended.
	defer func() { f.memory.Release(t.held.Load()) }()

	g, gctx := errgroup.WithContext(ctx)
	order := make(chan *part, f.Window)

	if !at.ranges {
		s := &stream{source: src, ctx: gctx, size: up.file.Size}
		defer s.end()

		t.src = s
	}

	g.Go(func() error { return t.read(gctx, g, at.ranges, order) })
	g.Go(func() error { return t.write(gctx, g, order) })

	err := g.Wait()
	if err == nil {
		return t.moved.Load(), up.complete(ctx)
	}

	if ctx.Err() != nil {
		return t.moved.Load(), context.Cause(ctx)
	}

	// Another build may have brought it meanwhile, and ended this upload.
	if codeOf(err) == Bucket {
		if there, _ := f.there(ctx, up.file); there {
			return t.moved.Load(), nil
		}
	}

	return t.moved.Load(), err
}

// read fills parts in their order, as many at a time as the window holds.
func (t *transfer) read(ctx context.Context, g *errgroup.Group, ranges bool, order chan<- *part) error {
	defer close(order)

	size := t.up.file.Size

	for i := t.up.start; int64(i) < partsOf(size, t.up.part); i++ {
		p := &part{number: i + 1, filled: make(chan struct{})}
		length := lengthOf(p.number, t.up.part, size)

		if err := t.take(ctx, length); err != nil {
			return err
		}

		p.bytes = t.f.buffers.get(length)

		fill := func() error {
			if err := t.f.fill(ctx, t.src, p.bytes, int64(p.number-1)*t.up.part); err != nil {
				return err
			}

			t.moved.Add(length)
			close(p.filled)

			return nil
		}

		if ranges {
			g.Go(fill)
		} else if err := fill(); err != nil {
			return err
		}

		select {
		case order <- p:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}

	return nil
}

// write hashes parts in their order and sends them on.
func (t *transfer) write(ctx context.Context, g *errgroup.Group, order <-chan *part) error {
	for p := range order {
		select {
		case <-p.filled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}

		t.up.hashed(p.number, p.bytes)

		g.Go(func() error {
			if err := t.up.send(ctx, p.number, p.bytes); err != nil {
				return err
			}

			t.give(p.bytes)

			return nil
		})
	}

	return nil
}

// take waits for room in the window. A part that is larger than all of it has it
// to itself.
func (t *transfer) take(ctx context.Context, length int64) error {
	n := min(length, t.f.window)
	if err := t.f.memory.Acquire(ctx, n); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}

	t.held.Add(n)

	return nil
}

func (t *transfer) give(p []byte) {
	n := min(int64(len(p)), t.f.window)
	t.f.buffers.put(p)
	t.held.Add(-n)
	t.f.memory.Release(n)
}
