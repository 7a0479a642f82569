package door

import "sync"

// locks let one at a time do something about an id.
type locks struct {
	mu   sync.Mutex
	held map[string]*held
}

type held struct {
	mu    sync.Mutex
	users int
}

// lock waits for its turn, and returns what ends it.
func (l *locks) lock(id string) func() {
	l.mu.Lock()

	if l.held == nil {
		l.held = map[string]*held{}
	}

	h := l.held[id]
	if h == nil {
		h = &held{}
		l.held[id] = h
	}

	h.users++
	l.mu.Unlock()
	h.mu.Lock()

	return func() {
		h.mu.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()

		if h.users--; h.users == 0 {
			delete(l.held, id)
		}
	}
}
