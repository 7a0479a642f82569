package metric

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// present is how long somebody counts after their browser asked for something.
	present = 5 * time.Minute
	// counted bounds what is remembered.
	counted = 4096
)

// sessions are the people who are there, and when they asked last.
type sessions struct {
	now func() time.Time
	all *lru.Cache[string, time.Time]
}

func newSessions(now func() time.Time) *sessions {
	all, err := lru.New[string, time.Time](counted)
	if err != nil {
		// It fails for sizes below one only.
		panic(err)
	}

	return &sessions{now, all}
}

func (s *sessions) seen(id string) {
	if id != "" {
		s.all.Add(id, s.now())
	}
}

func (s *sessions) count() int {
	n := 0

	for _, at := range s.all.Values() {
		if s.now().Sub(at) <= present {
			n++
		}
	}

	return n
}
