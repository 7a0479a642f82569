package keep

import (
	"fmt"
	"time"
)

const (
	// asleepAfter is how long nobody works before servers stop in a window.
	asleepAfter = 10 * time.Minute
	// deepAfter is how long a queue stays deep before another server comes, and
	// calmAfter how long there is nothing to do before one of several goes: a node
	// takes minutes, so it goes later than it comes.
	deepAfter = time.Minute
	calmAfter = 10 * time.Minute
	// deep is how many prompts for each server are many.
	deep = 3
)

// A State is what a decision is made of.
type State struct {
	Min, Max int32
	// Replicas is how many servers there shall be now.
	Replicas int32
	// Queue is what all have to do together.
	Queue int
	// Idle is how long nobody has worked and nothing was queued.
	Idle time.Duration
	// Who was the last to work.
	Who string
	// AfterIdle is zero where idleness puts nothing to sleep.
	AfterIdle time.Duration
	// Asleep says that it is a time of sleep.
	Asleep bool
	// Deep and Calm are how long the queue has been deep or empty.
	Deep, Calm time.Duration
}

// Decide is how many servers there shall be, and why.
func Decide(s State) (int32, string) {
	limit := s.AfterIdle
	if s.Asleep && (limit == 0 || limit > asleepAfter) {
		limit = asleepAfter
	}

	if s.Queue == 0 && limit > 0 && s.Idle >= limit {
		return 0, fmt.Sprintf("nobody has worked for %s", s.Idle.Truncate(time.Minute))
	}

	floor := s.Min
	if s.Asleep {
		floor = 0
	}

	switch {
	case s.Replicas < floor:
		return floor, fmt.Sprintf("the pool has at least %d", floor)
	case s.Replicas > s.Max:
		return s.Max, fmt.Sprintf("the pool has at most %d", s.Max)
	case s.Replicas > 0 && s.Replicas < s.Max && s.Deep >= deepAfter:
		return s.Replicas + 1, fmt.Sprintf("%d prompts wait", s.Queue)
	case s.Replicas > max(floor, 1) && s.Calm >= calmAfter:
		return s.Replicas - 1, "there is little to do"
	}

	return s.Replicas, awake(s)
}

// awake says why servers run.
func awake(s State) string {
	switch {
	case s.Replicas == 0:
		return "nobody needs a server"
	case s.Queue > 0:
		return fmt.Sprintf("%d prompts run or wait", s.Queue)
	case s.AfterIdle == 0 && !s.Asleep:
		return "idle servers are kept"
	}

	return fmt.Sprintf("%s, %s ago", s.Who, s.Idle.Truncate(time.Minute))
}

// IsDeep says that a queue is deep for so many servers.
func IsDeep(queue int, replicas int32) bool { return replicas > 0 && queue > deep*int(replicas) }
