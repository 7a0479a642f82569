package mirror

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
	"github.com/comfyui-studio/comfyui-studio/modelsync/key"
)

// errDamaged says that the bytes which came are not those of the stored checksum.
var errDamaged = errors.New("its bytes do not have its checksum")

// mostDamaged is how often an object is read whose bytes come damaged.
const mostDamaged = 3

// A tally is what a pass did. Its round is what is true since the last look at the
// directory.
type tally struct {
	mu sync.Mutex

	copied, linked, deleted int
	copiedBytes             int64
	damaged                 map[string]int
	meter                   meter
	// limiter bounds copies, if it is not nil.
	limiter *rate.Limiter

	// The round.
	present map[string]bucket.Object
	// wanted are to be copied.
	wanted []bucket.Object
	// newer are versions that replaced listed ones and were copied at once.
	newer map[string]bucket.Object
	// changed are keys whose objects were not as listed.
	changed []string
	// unreadable are objects that trying again does not help.
	unreadable []key.Refusal
	// skipped do not fit by the plan.
	skipped []bucket.Object
	// full did not find room after all.
	full []bucket.Object
	// missing are keys that were to be copied and were not.
	missing []string
	failed  []error
	// freed says that something made way.
	freed bool
	again bool
}

func newTally() *tally { return &tally{damaged: map[string]int{}} }

// begin starts a round.
func (t *tally) begin(p plan) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.wanted = p.copies

	t.present = make(map[string]bucket.Object, len(p.current))
	for _, o := range p.current {
		t.present[o.Key] = o
	}

	t.newer = map[string]bucket.Object{}
	t.changed, t.unreadable, t.full, t.failed = nil, nil, nil, nil
	t.freed, t.again = false, false

	t.missing, t.skipped = nil, slices.Clone(p.skipped)
}

// settle notes how the copy of an object went. O is the version that was copied.
func (t *tally) settle(o bucket.Object, replaced bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if err == nil {
		t.present[o.Key], t.newer[o.Key] = o, o
		t.copied++
		t.copiedBytes += o.Size
		t.freed = t.freed || replaced

		return
	}

	switch {
	case errors.Is(err, errDamaged) && t.damaged[o.Key]+1 >= mostDamaged, bucket.Lasting(err):
		// What its index names is not there in any case.
		t.unreadable = append(t.unreadable, key.Refusal{Key: o.Key, Reason: reason(err)})
		return
	case errors.Is(err, bucket.ErrChanged), errors.Is(err, bucket.ErrAbsent):
		t.changed = append(t.changed, o.Key)
	case errors.Is(err, errDamaged):
		t.damaged[o.Key]++
		t.again = true
	case errors.Is(err, disk.ErrFull):
		t.full = append(t.full, o)
	default:
		t.failed = append(t.failed, fmt.Errorf("cannot copy %q: %w", o.Key, err))
	}

	t.missing = append(t.missing, o.Key)
}

// link notes a hard link.
func (t *tally) link(o bucket.Object) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.present[o.Key], t.newer[o.Key] = o, o
	t.linked++
	// It needs no room, and the plan gave it some.
	t.freed = true
	t.skipped = slices.DeleteFunc(t.skipped, func(s bucket.Object) bool { return s.Key == o.Key })
}

// reason is what people need to know of an error that lasts.
func reason(err error) string {
	for _, known := range []error{bucket.ErrDenied, bucket.ErrArchived, errDamaged} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}

	return err.Error()
}

func (t *tally) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.failed = append(t.failed, err)
}

// has says whether the object is there by now.
func (t *tally) has(o bucket.Object) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	p, ok := t.present[o.Key]

	return ok && p.ETag == o.ETag
}

// lacks says whether something is missing in the folder of an index. What is
// missing for want of room takes its index with it.
func (t *tally) lacks(index bucket.Object) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	folder := path.Dir(index.Key) + "/"
	inside := func(k string) bool { return strings.HasPrefix(k, folder) }

	if slices.ContainsFunc(slices.Concat(t.skipped, t.full), func(o bucket.Object) bool { return inside(o.Key) }) {
		t.full = append(t.full, index)
		return true
	}

	return slices.ContainsFunc(t.missing, inside)
}

// err is what the next pass may do better.
func (t *tally) err() error {
	if len(t.failed) == 0 {
		return nil
	}

	if n := len(t.failed); n > 1 {
		return fmt.Errorf("%w (and %d more)", t.failed[0], n-1)
	}

	return t.failed[0]
}

// progress tells how far a pass is.
func (t *tally) progress(s *Status) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if t.present == nil {
		return
	}

	s.Updated = time.Now().UTC()
	s.Complete = false
	s.Files, s.Bytes, s.PendingFiles, s.PendingBytes = len(t.present), 0, 0, 0

	for _, o := range t.present {
		s.Bytes += o.Size
	}

	for _, o := range t.wanted {
		if _, ok := t.present[o.Key]; !ok {
			s.PendingFiles++
			s.PendingBytes += o.Size
		}
	}
}

// fill tells how a pass ended. One that could not list the bucket leaves what was
// true before: it is the best there is.
func (t *tally) fill(s *Status, p plan, err error) {
	t.progress(s)

	s.Updated = time.Now().UTC()
	s.Copied, s.CopiedBytes, s.Linked, s.Deleted = t.copied, t.copiedBytes, t.linked, t.deleted
	s.Complete, s.LastError = err == nil, ""

	if err != nil {
		s.LastError = err.Error()
	}

	if t.present == nil {
		return
	}

	s.RefusedCount, s.Refused = len(p.refused), named(p.refused)

	var skipped []Skip

	for _, o := range slices.Concat(t.skipped, t.full) {
		if !t.has(o) {
			skipped = append(skipped, Skip{Key: o.Key, Bytes: o.Size, Reason: noSpace})
		}
	}

	s.SkippedCount, s.Skipped = len(skipped), named(skipped)

	if err == nil {
		s.Ready = true
		s.Generation = generation(slices.SortedFunc(maps.Values(t.present), func(a, b bucket.Object) int { return strings.Compare(a.Key, b.Key) }))
	}
}
