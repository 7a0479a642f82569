package admission

import (
	"os"
	"testing"
)

func TestNew(t *testing.T) {
	b, err := os.ReadFile("../comfyuistudios/definition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(b); err != nil {
		t.Fatal(err)
	}
}
