package cloud

import (
	"context"
	"math"
	"time"
)

// Never is an instant that does not come.
const Never = time.Duration(math.MaxInt64)

// A Clock runs simulated time: Scale simulated seconds pass per real second.
type Clock struct {
	start time.Time
	scale float64
}

// NewClock starts a clock at zero.
func NewClock(scale float64) Clock {
	if scale <= 0 {
		scale = 1
	}
	return Clock{start: time.Now(), scale: scale}
}

// Now is the simulated time since the clock started.
func (c Clock) Now() time.Duration {
	return time.Duration(float64(time.Since(c.start)) * c.scale)
}

// Wall is the simulated wall clock: what AWS writes into its dates.
func (c Clock) Wall() time.Time { return c.start.Add(c.Now()).UTC() }

// Scale is the number of simulated seconds in a real one.
func (c Clock) Scale() float64 { return c.scale }

// Real is how long a simulated duration takes.
func (c Clock) Real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / c.scale)
}

// Sleep waits for a simulated duration.
func (c Clock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(c.Real(d))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
