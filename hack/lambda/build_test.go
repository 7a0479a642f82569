package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestReproducible holds that the zip is the same wherever it is built, and is what
// Lambda starts: one program for arm64, static, executable.
func TestReproducible(t *testing.T) {
	b, err := reproducible(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}

	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}

	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
		t.Fatalf("Lambda starts bootstrap and nothing else: got %d files, the first %s with %s", len(z.File), z.File[0].Name, z.File[0].Mode())
	}

	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}

	program, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}

	e, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}

	if libraries, err := e.ImportedLibraries(); e.Machine != elf.EM_AARCH64 || err != nil || len(libraries) > 0 {
		t.Errorf("A static program for arm64: got %s with %v, %v", e.Machine, libraries, err)
	}
}

// TestPackTime holds that a zip does not tell when it was made.
func TestPackTime(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}

	before, err := pack(program)
	if err != nil {
		t.Fatal(err)
	}

	later := time.Now().Add(48 * time.Hour)
	if err := os.Chtimes(program, later, later); err != nil {
		t.Fatal(err)
	}

	after, err := pack(program)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("The same program makes the same zip: %v", err)
	}
}
