package bed

import (
	"testing"
)

func TestToy(t *testing.T) {
	b := start(t, toyOptions(t))
	makeToy(t, b, "ball", "red")
	makeToy(t, b, "ball", "blue")

	if len(b.Wire().RunsOf("default", "ball")) < 2 {
		t.Errorf("RunsOf(default, ball): want at least 2 runs, got %d", len(b.Wire().RunsOf("default", "ball")))
	}

	deleteToy(t, b, "ball")
}
