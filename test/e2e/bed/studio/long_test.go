package studio

import (
	"os"
	"testing"
)

// long leaves a test out of what CI runs, and says so. With a whole studio each
// takes minutes on two cores, and CI has 75 for everything.
func long(t *testing.T) {
	t.Helper()

	if os.Getenv("BED_LONG") == "" {
		t.Skip("takes minutes with a whole studio: `make test-long` runs it")
	}
}
