package main

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestPitfalls holds docs/pitfalls.md to tests that exist: a promise whose test
// was renamed is one that nobody keeps.
func TestPitfalls(t *testing.T) {
	b, err := os.ReadFile("../../docs/pitfalls.md")
	if err != nil {
		t.Fatal(err)
	}

	root := os.DirFS("../..")
	sources := &strings.Builder{}

	err = fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (path == "_output" || path == ".git"):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}

		s, err := fs.ReadFile(root, path)
		sources.Write(s)

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z]+)`").FindAllStringSubmatch(string(b), -1)
	if len(named) == 0 {
		t.Fatal("docs/pitfalls.md names no test")
	}

	for _, m := range named {
		if !strings.Contains(sources.String(), "func "+m[1]+"(") {
			t.Errorf("docs/pitfalls.md names %s, which does not exist", m[1])
		}
	}
}
