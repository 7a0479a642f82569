package history

import (
	"slices"
	"sync"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// Timeline is what happened to each key, in order. The store writes it before
// anybody can see a change, so nobody sees what it does not have.
type Timeline struct {
	mu   sync.Mutex
	keys map[string][]moment
	// now counts changes.
	now int64
	// folders are names that some key was ever below.
	folders map[string]bool
}

// moment is a version, or that there is none from now on.
type moment struct {
	content store.Content
	seed    uint64
	gone    bool
	at      int64
}

// NewTimeline returns an empty one.
func NewTimeline() *Timeline {
	return &Timeline{keys: map[string][]moment{}, folders: map[string]bool{}}
}

// Record notes a change.
func (t *Timeline) Record(c store.Change) {
	t.mu.Lock()
	defer t.mu.Unlock()

	key := c.Object.Key
	t.now++

	if c.Object.Content == nil {
		t.keys[key] = append(t.keys[key], moment{gone: true, at: t.now})
		return
	}

	seed, _ := store.SeedOf(c.Object.Content)
	t.keys[key] = append(t.keys[key], moment{content: c.Object.Content, seed: seed, at: t.now})

	// What becomes a folder cannot be a file as well, and goes.
	for _, folder := range fleet.Above(key) {
		t.keys[folder] = append(t.keys[folder], moment{gone: true, at: t.now})
		t.folders[folder] = true
	}
}

// Now is after all changes so far and before all later ones.
func (t *Timeline) Now() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()

	return t.now
}

// thereSince tells whether a key has had the same object since then. What was ever a
// folder as well is left out: the folder wins.
func (t *Timeline) thereSince(key string, then int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	all := t.keys[key]
	if len(all) == 0 || t.folders[key] {
		return false
	}

	last := all[len(all)-1]

	return !last.gone && last.at <= then
}

// Keys are all that ever were.
func (t *Timeline) Keys() []string {
	t.mu.Lock()
	defer t.mu.Unlock()

	keys := make([]string, 0, len(t.keys))
	for k := range t.keys {
		keys = append(keys, k)
	}

	return keys
}

// find gives the place of a version in a key's history: the last one, since the
// same bytes may come back.
func (t *Timeline) find(key string, seed uint64, size int64) (int, store.Content) {
	t.mu.Lock()
	defer t.mu.Unlock()

	for i, m := range slices.Backward(t.keys[key]) {
		if !m.gone && m.seed == seed && m.content.Size() == size {
			return i, m.content
		}
	}

	return -1, nil
}

// goneSince tells whether a key was ever without object after a moment.
func (t *Timeline) goneSince(key string, place int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	for _, m := range t.keys[key][place+1:] {
		if m.gone {
			return true
		}
	}

	return false
}
