package bucket

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket/buckettest"
)

// slowDown is what the SDK makes of a 503.
func slowDown(t *testing.T) error {
	t.Helper()

	s := buckettest.New(t)
	s.Intercept = func(*http.Request) buckettest.Fault { return buckettest.Fault{Status: 503, Code: "SlowDown"} }

	err := newBucket(s, 1).Exists(t.Context())
	if err == nil {
		t.Fatal("want a refusal")
	}

	return err
}

// TestLimit holds that a crowd's refusal halves the bound once, and that it grows
// again when all goes well.
func TestLimit(t *testing.T) {
	refused := slowDown(t)
	l := newLimit(16)

	take := func() int {
		t.Helper()

		halved, err := l.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		return halved
	}

	var under []int
	for range 16 {
		under = append(under, take())
	}

	for _, halved := range under {
		l.give(halved, refused)
	}

	if l.allowed != 8 {
		t.Errorf("Sixteen refusals of one crowd halve the bound once: got %d", l.allowed)
	}

	l.give(take(), refused)

	if l.allowed != 4 {
		t.Errorf("The next one halves it again: got %d", l.allowed)
	}

	l.give(take(), errors.New("reset by peer"))

	if l.allowed != 4 {
		t.Errorf("Other failures do not: got %d", l.allowed)
	}

	for range calm * 12 {
		l.give(take(), nil)
	}

	if l.allowed != 16 {
		t.Errorf("What goes well raises it again: got %d", l.allowed)
	}

	for range calm {
		l.give(take(), nil)
	}

	if l.allowed != 16 || l.busy != 0 {
		t.Errorf("And never beyond what there may be: got %d, %d under way", l.allowed, l.busy)
	}
}

// TestLimitWaits holds that who waits goes on when there is room, or when nobody
// wants it any more.
func TestLimitWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(1)

		if _, err := l.take(t.Context()); err != nil {
			t.Fatal(err)
		}

		ctx, cancel := context.WithCancel(t.Context())

		var (
			wg                sync.WaitGroup
			waited, cancelled error
		)

		wg.Go(func() { _, cancelled = l.take(ctx) })
		synctest.Wait()
		cancel()
		wg.Wait()

		if !errors.Is(cancelled, context.Canceled) {
			t.Errorf("take(): want %v, got %v", context.Canceled, cancelled)
		}

		wg.Go(func() { _, waited = l.take(t.Context()) })
		synctest.Wait()
		l.give(0, nil)
		wg.Wait()

		if waited != nil || l.busy != 1 {
			t.Errorf("take(): got %v with %d under way", waited, l.busy)
		}
	})
}

// TestConnections holds that there are as many requests as may be, and never more.
func TestConnections(t *testing.T) {
	// The server's goroutines live in the world's time.
	s := buckettest.New(t)
	s.Put("k", buckettest.Object{})

	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s.Intercept = func(*http.Request) buckettest.Fault {
			<-release
			return buckettest.Fault{}
		}

		b := New(s.Direct(), buckettest.Name, 3)

		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				if _, err := b.Head(t.Context(), "k"); err != nil {
					t.Error(err)
				}
			})
		}

		synctest.Wait()
		close(release)
		wg.Wait()

		if got := s.Most(); got != 3 {
			t.Errorf("want 3 requests at once, got %d", got)
		}
	})
}

// TestSilence holds that a server which says nothing is given up and asked again.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := awake(t.Context(), func(ctx context.Context, alive func()) error {
			for range 3 {
				time.Sleep(silence - time.Second)
				alive()
			}

			if err := ctx.Err(); err != nil {
				t.Errorf("awake(): who says something now and then is not silent: %v", err)
			}

			<-ctx.Done()

			return ctx.Err()
		})

		if !errors.Is(err, errSilent) || !passes(err) {
			t.Errorf("awake(): want %v, which passes, got %v", errSilent, err)
		}

		ctx, cancel := context.WithCancel(t.Context())
		cancel()

		err = awake(ctx, func(ctx context.Context, _ func()) error { return ctx.Err() })
		if !errors.Is(err, context.Canceled) || passes(err) {
			t.Errorf("awake(): want %v, which does not pass, got %v", context.Canceled, err)
		}
	})
}
