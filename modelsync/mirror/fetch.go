package mirror

import (
	"context"
	"sync"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
)

// lookAhead is how many large objects are asked for their checksums before it is
// their turn.
const lookAhead = 8

// A fetch copies objects with all connections. Tasks are ranges of large objects
// and whole small ones, in the order of the objects.
type fetch struct {
	m     *Mirror
	t     *tally
	tasks chan func(buffer []byte)
	done  chan staged
}

// fetch copies objects and brings them in.
func (m *Mirror) fetch(ctx context.Context, objects []bucket.Object, t *tally) {
	if len(objects) == 0 {
		return
	}

	f := &fetch{m: m, t: t, tasks: make(chan func([]byte)), done: make(chan staged, batch)}

	var workers, committer sync.WaitGroup

	for range min(m.options.Connections, m.tasks(objects)) {
		workers.Go(f.work)
	}

	committer.Go(func() { m.commit(ctx, f.done, t) })

	f.dispatch(ctx, objects)
	close(f.tasks)
	workers.Wait()
	close(f.done)
	committer.Wait()
}

// tasks is how many there are, at least.
func (m *Mirror) tasks(objects []bucket.Object) int {
	n := 0
	for _, o := range objects {
		n += 1 + int(o.Size/m.options.RangeSize)
	}

	return n
}

// work carries out tasks. The buffer is all the memory that a connection needs.
func (f *fetch) work() {
	var buffer []byte

	for task := range f.tasks {
		if buffer == nil {
			buffer = make([]byte, f.m.options.Buffer)
		}

		began := time.Now()

		task(buffer)
		since(&f.t.meter.busy, began)
	}
}

// dispatch hands out tasks.
func (f *fetch) dispatch(ctx context.Context, objects []bucket.Object) {
	var large []bucket.Object

	for _, o := range objects {
		if o.Size > f.m.options.RangeSize {
			large = append(large, o)
		}
	}

	// Nobody takes what is left when this ends early.
	within, cancel := context.WithCancel(ctx)
	defer cancel()

	heads := f.heads(within, large)

	for _, o := range objects {
		if ctx.Err() != nil {
			return
		}

		if o.Size <= f.m.options.RangeSize {
			f.tasks <- func(buffer []byte) { f.small(ctx, o, buffer) }
			continue
		}

		one, more := <-heads
		if !more {
			return
		}

		h := <-one
		if h.err != nil {
			f.t.settle(o, false, h.err)
			continue
		}

		// The newest version there is: it may have been replaced since the listing.
		if h.head.Size <= f.m.options.RangeSize {
			f.tasks <- func(buffer []byte) { f.small(ctx, h.head.Object, buffer) }
			continue
		}

		f.large(ctx, h.head)
	}
}

type headed struct {
	head bucket.Head
	err  error
}

// heads asks for the heads of objects, a few ahead of who takes them, in order.
func (f *fetch) heads(ctx context.Context, objects []bucket.Object) <-chan chan headed {
	out := make(chan chan headed, lookAhead)

	go func() {
		defer close(out)

		for _, o := range objects {
			one := make(chan headed, 1)

			select {
			case out <- one:
			case <-ctx.Done():
				return
			}

			go func() {
				h, err := f.m.bucket.Head(ctx, o.Key)
				one <- headed{head: h, err: err}
			}()
		}
	}()

	return out
}

// small copies an object by one request.
func (f *fetch) small(ctx context.Context, o bucket.Object, buffer []byte) {
	name := stagingName(o.Key)

	file, err := f.m.stage(name, o.Size)
	if err != nil {
		f.t.settle(o, false, err)
		return
	}

	file = f.watched(ctx, file)

	head, sum, err := f.m.bucket.Whole(ctx, o, file, buffer)
	if err == nil {
		err = f.m.verify(ctx, file, head, sum, buffer)
	}

	if err == nil {
		err = mark(file, o, sum)
	}

	if err != nil {
		f.m.discard(name, file)
		f.t.settle(o, false, err)

		return
	}

	f.done <- staged{object: o, name: name, file: file}
}
