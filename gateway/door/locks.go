package door

import (
	"context"
	"sync"
)

// locks let one at a time do something about an id.
type locks struct {
	mu   sync.Mutex
	held map[string]*held
}

// held is an id that somebody does something about. The turn is who may.
type held struct {
	turn  chan struct{}
	users int
}

// lock waits for its turn, and returns what ends it.
func (l *locks) lock(ctx context.Context, id string) (func(), error) {
	l.mu.Lock()

	if l.held == nil {
		l.held = map[string]*held{}
	}

	h := l.held[id]
	if h == nil {
		h = &held{turn: make(chan struct{}, 1)}
		l.held[id] = h
	}

	h.users++
	l.mu.Unlock()

	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()

		if h.users--; h.users == 0 {
			delete(l.held, id)
		}
	}

	select {
	case h.turn <- struct{}{}:
		return func() { <-h.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
