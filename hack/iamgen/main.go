// Command iamgen writes the reference of every permission that a studio gives to
// anybody: docs/reference/iam.md, from the resources of a studio as hack/render
// prints them. What stands outside the two marks in the document is written by
// hand and stays.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/comfyui-studio/comfyui-studio/internal/iam"
)

const (
	begin = "<!-- BEGIN GENERATED: hack/iamgen writes this from what examples/full.yaml is composed into. DO NOT EDIT. -->\n"
	end   = "<!-- END GENERATED -->\n"
)

func main() {
	from := flag.String("from", "", "the studio's resources, a YAML stream")
	doc := flag.String("doc", "", "the document to rewrite")
	flag.Parse()

	if err := run(*from, *doc); err != nil {
		fmt.Fprintln(os.Stderr, "iamgen:", err)
		os.Exit(1)
	}
}

func run(from, doc string) error {
	resources, err := os.ReadFile(filepath.Clean(from))
	if err != nil {
		return fmt.Errorf("cannot read the resources: %w", err)
	}

	old, err := os.ReadFile(filepath.Clean(doc))
	if err != nil {
		return fmt.Errorf("cannot read the document: %w", err)
	}

	out, err := Generate(resources, old)
	if err != nil {
		return fmt.Errorf("cannot generate %s: %w", doc, err)
	}

	if err := os.WriteFile(doc, out, 0o644); err != nil { //nolint:gosec // A document that everyone may read.
		return fmt.Errorf("cannot write the document: %w", err)
	}

	return nil
}

// Generate returns a document with its generated part anew.
func Generate(resources, doc []byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(doc, []byte(begin))
	if !ok {
		return nil, errors.New("the document has no mark where the generated part begins")
	}

	_, tail, ok := bytes.Cut(rest, []byte(end))
	if !ok {
		return nil, errors.New("the document has no mark where the generated part ends")
	}

	s, err := iam.Read(resources)
	if err != nil {
		return nil, err
	}

	return bytes.Join([][]byte{head, []byte(begin), []byte("\n"), s.Markdown(), []byte("\n"), []byte(end), tail}, nil), nil
}
