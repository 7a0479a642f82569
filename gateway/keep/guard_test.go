package keep

import (
	"errors"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
)

// TestGuarded goes through the work of one of two servers. Its node is left alone
// while it works, and for a while after, and not for ever.
func TestGuarded(t *testing.T) {
	s := newStudio(t, config.Pool{Name: "default", Min: 2, Max: 2}, nil)
	s.replicas = 2
	s.reconcile()
	s.allUp()

	busy := s.pods[0]

	step := func(reason string, queue int, d time.Duration, want bool, marks int) {
		t.Helper()

		s.queues[busy.UID] = queue
		s.pass(d, nil)

		if got := busy.Annotations[guard] == "true"; got != want || s.pods[1].Annotations[guard] != "" {
			t.Errorf("%s\nmarked: want %t, got %t, and the other one %q", reason, want, got, s.pods[1].Annotations[guard])
		}

		if s.marks != marks {
			t.Errorf("%s\nmarks: want %d, got %d", reason, marks, s.marks)
		}
	}

	step("Nobody works.", 0, time.Hour, false, 0)
	step("It works.", 1, every, true, 1)
	step("For hours.", 3, 5*time.Hour, true, 1)
	step("One prompt ends and the next begins.", 0, quiet/2, true, 1)
	step("That is one work.", 1, every, true, 1)
	step("It has nothing more to do.", 0, quiet+every, false, 2)

	// Another front door keeps from now on, and finds the mark of the one before.
	step("It works again.", 1, every, true, 3)

	s.keeper.pools = nil

	step("Whoever begins does not know for how long it has had nothing to do.", 0, quiet/2, true, 3)
	step("It knows then.", 0, quiet, false, 4)
}

// TestGuardUnknown has a server that works stand still while it loads a model.
func TestGuardUnknown(t *testing.T) {
	s := newStudio(t, config.Pool{Name: "default", Min: 1, Max: 1}, nil)
	s.replicas = 1
	s.reconcile()
	s.allUp()

	p := s.pods[0]
	s.queues[p.UID] = 1
	s.pass(every, nil)

	// A prompt ended, nobody has heard, and nobody hears now.
	s.queues[p.UID] = 0
	s.pass(every, nil)

	tag := s.table.All("default")[0].Tag
	s.up(p, false)
	s.pass(time.Hour, func() { s.table.Answered(tag, 0, errors.New("it stands still")) })

	if p.Annotations[guard] != "true" {
		t.Error("A server that does not answer may be at work.")
	}
}
