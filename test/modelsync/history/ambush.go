package history

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// ambush is what happens in the middle of a download.
type ambush struct {
	after int
	do    func()
}

// Fresh is content that never was before.
func (w *World) Fresh(size int64) store.Content {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.seed++

	return store.Seeded(w.seed, size)
}

// Ambush does something just before the nth GET of a key from now on is answered.
func (w *World) Ambush(key string, n int, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.onGet[key] = &ambush{after: n, do: do}
}

// BetweenPages does something after the next page of a listing was read.
func (w *World) BetweenPages(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.onPage = append(w.onPage, do)
}

// Unchecked tells whether any version of a key may be without checksum just now:
// a wrong byte in it is one that nobody can find.
func (w *World) Unchecked(key string) bool {
	o := w.Store.Object(bucket, key)
	if o == nil {
		return true
	}

	algorithm, _, _ := o.Checksum()

	return algorithm == ""
}

// Tick moves the time of writes.
func (w *World) Tick(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.moment = w.moment.Add(d)
}

func (w *World) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.moment
}

func (w *World) get(_, key string) {
	w.mu.Lock()
	a := w.onGet[key]

	if a != nil {
		if a.after--; a.after > 0 {
			a = nil
		} else {
			delete(w.onGet, key)
		}
	}

	w.mu.Unlock()

	if a != nil {
		a.do()
	}
}

func (w *World) page(string) {
	w.mu.Lock()

	var do func()
	if len(w.onPage) > 0 {
		do, w.onPage = w.onPage[0], w.onPage[1:]
	}

	w.mu.Unlock()

	if do != nil {
		do()
	}
}
