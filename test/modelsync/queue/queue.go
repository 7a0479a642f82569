// Package queue is Amazon SQS: one standard queue and its dead letters, over
// SQS's JSON protocol.
//
// Like the real one it delivers at least once and in no order, hides a message
// from others for the visibility timeout, and moves what was received too often
// to the dead letters. It refuses what SQS refuses.
package queue

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Settings of a queue.
type Settings struct {
	// Visibility is how long a received message is hidden.
	Visibility time.Duration
	// MaxReceives is how often a message is received before it is moved to the
	// dead letters.
	MaxReceives int
	// Clock is the time by which messages are hidden.
	Clock func() time.Time
	// Seed decides the order.
	Seed uint64
}

// Queue is one queue.
type Queue struct {
	settings Settings

	mu       sync.Mutex
	random   *rand.Rand
	serial   int
	messages []*Message
	dead     []*Message
	// changed is closed and made anew when a message may have become visible.
	changed chan struct{}
}

// Message is one message.
type Message struct {
	ID       string
	Body     string
	Receipt  string
	Receives int

	hidden time.Time
}

// New returns an empty queue.
func New(s Settings) *Queue {
	if s.Clock == nil {
		s.Clock = time.Now
	}

	return &Queue{settings: s, random: rand.New(rand.NewPCG(s.Seed, 0)), changed: make(chan struct{})} //nolint:gosec // The order must be the same each time.
}

// Send puts a message into the queue.
func (q *Queue) Send(body string) string {
	q.mu.Lock()
	defer q.mu.Unlock()

	q.serial++
	m := &Message{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", q.serial), Body: body}
	q.messages = append(q.messages, m)
	q.wake()

	return m.ID
}

// Len tells how many messages are in the queue, those that are hidden as well.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()

	return len(q.messages)
}

// Dead returns the dead letters.
func (q *Queue) Dead() []*Message {
	q.mu.Lock()
	defer q.mu.Unlock()

	return append([]*Message(nil), q.dead...)
}

func (q *Queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// receive takes up to limit messages that are visible, and hides them. Without
// any it returns what to wait for.
func (q *Queue) receive(limit int, visibility time.Duration) ([]Message, <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()

	now := q.settings.Clock()

	var taken []Message

	// A standard queue promises no order.
	q.random.Shuffle(len(q.messages), func(i, j int) { q.messages[i], q.messages[j] = q.messages[j], q.messages[i] })

	kept := q.messages[:0]

	for _, m := range q.messages {
		if m.hidden.After(now) || len(taken) == limit {
			kept = append(kept, m)
			continue
		}

		if q.settings.MaxReceives > 0 && m.Receives >= q.settings.MaxReceives {
			q.dead = append(q.dead, m)
			continue
		}

		m.Receives++
		m.hidden = now.Add(visibility)
		m.Receipt = fmt.Sprintf("%s#%d", m.ID, m.Receives)
		taken = append(taken, *m)
		kept = append(kept, m)
	}

	q.messages = kept

	return taken, q.changed
}

// remove deletes a message by the receipt of its last receive. An older receipt
// of it is taken and does nothing, as SQS has it.
func (q *Queue) remove(receipt string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()

	var id string

	var n int
	if _, err := fmt.Sscanf(receipt, "%36s#%d", &id, &n); err != nil {
		return false
	}

	for i, m := range q.messages {
		if m.Receipt == receipt {
			q.messages = append(q.messages[:i], q.messages[i+1:]...)
			break
		}
	}

	return true
}
