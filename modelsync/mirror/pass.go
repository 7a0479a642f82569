package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/key"
)

const (
	// mostRounds bounds how often one pass begins anew because the bucket changed
	// meanwhile. What still changes then is the next pass's.
	mostRounds = 6
	// tellEvery is how often a long pass says how far it is.
	tellEvery = 30 * time.Second
	// rememberFor is how many passes an object that cannot be read is left alone.
	rememberFor = 10
)

// A remembered is a version that cannot be read, and until which pass it is left
// alone.
type remembered struct {
	etag, reason string
	until        int64
}

// Pass looks at the bucket once and makes the directory equal to it. It returns an
// error when something was left undone that the next pass may do. What can never be
// done is in the status and is no error.
func (m *Mirror) Pass(ctx context.Context) error {
	m.passing.Lock()
	defer m.passing.Unlock()

	began := time.Now()
	t := newTally()
	stop := m.tellWhile(t)

	p, err := m.pass(ctx, t)

	if err == nil {
		err = t.err()
	}

	if err == nil {
		err = m.markReady()
	}

	stop()
	m.passes++
	m.change(func(s *Status) { t.fill(s, p, err); s.Seconds, s.Passes = time.Since(began).Seconds(), m.passes })
	m.tell()
	m.logPass(ctx, t, err)

	return err
}

func (m *Mirror) pass(ctx context.Context, t *tally) (plan, error) {
	listing, err := m.bucket.List(ctx)
	if err != nil {
		return plan{}, err
	}

	objects := make(map[string]bucket.Object, len(listing))
	for _, o := range listing {
		objects[o.Key] = o
	}

	here, err := m.adopted(ctx, objects)
	if err != nil {
		return plan{}, err
	}

	m.askOrder(ctx)

	if t.limiter, err = m.pace(); err != nil {
		return plan{}, err
	}

	var p plan

	for range mostRounds {
		room, err := m.room()
		if err != nil {
			return p, err
		}

		p = newPlan(slices.Collect(maps.Values(objects)), here, terms{
			room: room, linkFrom: m.options.LinkFrom, unreadable: m.unreadable(objects), first: m.first,
		})
		t.begin(p)
		m.carryOut(ctx, p, t)

		if err := ctx.Err(); err != nil {
			return p, err
		}

		m.prune(here.empty)

		if err := m.lookAgain(ctx, objects, t); err != nil {
			return p, err
		}

		if !t.again {
			return p, nil
		}

		if here, err = m.look(); err != nil {
			return p, err
		}
	}

	return p, errors.New("the bucket kept changing")
}

// carryOut does what the plan says, as far as it goes. What costs no room comes
// first: hard links before the deletes of what they link to.
func (m *Mirror) carryOut(ctx context.Context, p plan, t *tally) {
	m.link(ctx, p.links, t)

	if len(p.skipped) > 0 && m.remove(ctx, p.deletes, t) > 0 {
		t.again = true
		return
	}

	var models, indexes []bucket.Object

	for _, o := range p.copies {
		switch {
		case t.has(o):
		case isIndex(o.Key):
			indexes = append(indexes, o)
		default:
			models = append(models, o)
		}
	}

	m.fetch(ctx, models, t)

	if len(indexes) > 0 {
		// An index that lasts while what it names does not would be a broken model.
		if err := m.disk.SyncAll(); err != nil {
			t.fail(fmt.Errorf("cannot sync: %w", err))
			return
		}

		m.fetch(ctx, slices.DeleteFunc(indexes, t.lacks), t)
	}

	if len(p.skipped) == 0 {
		m.remove(ctx, p.deletes, t)
	}

	// What made way may be enough for what did not fit.
	if len(t.skipped)+len(t.full) > 0 && t.freed {
		t.again = true
	}
}

// lookAgain asks for objects that were not the listed versions any more.
func (m *Mirror) lookAgain(ctx context.Context, objects map[string]bucket.Object, t *tally) error {
	maps.Copy(objects, t.newer)

	for _, k := range t.changed {
		head, err := m.bucket.Head(ctx, k)

		switch {
		case errors.Is(err, bucket.ErrAbsent):
			delete(objects, k)
		case bucket.Lasting(err):
			m.remember(objects[k], reason(err))
		case err != nil:
			return fmt.Errorf("cannot look at %q again: %w", k, err)
		default:
			objects[k] = head.Object
		}

		t.again = true
	}

	// Nothing at all that can be read is no fault of the objects: a role without its
	// policy yet, say. A node must not be ready for that.
	if len(t.unreadable) > 0 && len(t.present) == 0 && !slices.ContainsFunc(t.unreadable, func(r key.Refusal) bool { return r.Reason != bucket.ErrDenied.Error() }) {
		return fmt.Errorf("cannot read any object: %w", bucket.ErrDenied)
	}

	for _, r := range t.unreadable {
		m.remember(objects[r.Key], r.Reason)

		t.again = true
	}

	return nil
}

func (m *Mirror) remember(o bucket.Object, reason string) {
	m.remembered[o.Key] = remembered{etag: o.ETag, reason: reason, until: m.passes + rememberFor}
}

// unreadable are the objects that are left alone in this pass, and why.
func (m *Mirror) unreadable(objects map[string]bucket.Object) []key.Refusal {
	var out []key.Refusal

	for k, r := range m.remembered {
		if o, ok := objects[k]; !ok || o.ETag != r.etag || m.passes >= r.until {
			delete(m.remembered, k)
			continue
		}

		out = append(out, key.Refusal{Key: k, Reason: r.reason})
	}

	slices.SortFunc(out, func(a, b key.Refusal) int { return strings.Compare(a.Key, b.Key) })

	return out
}

// askOrder asks which keys come first. Not to know it is no reason to copy nothing:
// what was told before holds.
func (m *Mirror) askOrder(ctx context.Context) {
	if m.options.Order == nil {
		return
	}

	first, err := m.options.Order(ctx)
	if err != nil {
		m.log.WarnContext(ctx, "cannot tell what comes first", "error", err)
		return
	}

	m.first = first
}

// room is how many bytes may be added.
func (m *Mirror) room() (int64, error) {
	s, err := m.disk.Space()
	if err != nil {
		return 0, fmt.Errorf("cannot tell how much room there is: %w", err)
	}

	return s.Free - s.Total/100*int64(m.options.Reserve), nil
}

// tellWhile tells how far a pass is every so often, until it is stopped.
func (m *Mirror) tellWhile(t *tally) func() {
	stop, stopped := make(chan struct{}), make(chan struct{})

	go func() {
		defer close(stopped)

		ticks := time.NewTicker(tellEvery)
		defer ticks.Stop()

		for {
			select {
			case <-stop:
				return
			case <-ticks.C:
				m.change(t.progress)
				m.tell()
			}
		}
	}()

	return func() { close(stop); <-stopped }
}

func (m *Mirror) logPass(ctx context.Context, t *tally, err error) {
	s := m.Status()

	with := []any{
		"generation", s.Generation, "files", s.Files, "bytes", s.Bytes, "seconds", s.Seconds, "copied", s.Copied, "copiedBytes", s.CopiedBytes,
		"linked", s.Linked, "deleted", s.Deleted, "refused", s.RefusedCount, "skipped", s.SkippedCount,
		"networkSeconds", t.meter.network().Seconds(), "diskSeconds", time.Duration(t.meter.disk.Load()).Seconds(),
		"limitedSeconds", time.Duration(t.meter.limited.Load()).Seconds(),
	}

	switch {
	case err != nil:
		m.log.WarnContext(ctx, "pass left something undone", append(with, "error", err)...)
	case s.Copied+s.Linked+s.Deleted > 0:
		m.log.InfoContext(ctx, "directory equals bucket", with...)
	default:
		m.log.DebugContext(ctx, "nothing to do", with...)
	}
}
