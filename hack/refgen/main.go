// Command refgen writes the generated half of the API's reference: the fields,
// from the CompositeResourceDefinition, and the conditions, from the comments of
// their Go constants. What stands outside the two marks in the document is written
// by hand and stays.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
)

const (
	begin = "<!-- BEGIN GENERATED: hack/refgen writes this from apis/v1alpha1. DO NOT EDIT. -->\n"
	end   = "<!-- END GENERATED -->\n"
)

func main() {
	definition := flag.String("definition", "", "the CompositeResourceDefinition to read")
	conditions := flag.String("conditions", "", "the Go file with the conditions' constants to read")
	doc := flag.String("doc", "", "the document to rewrite")
	flag.Parse()

	if err := run(*definition, *conditions, *doc); err != nil {
		fmt.Fprintln(os.Stderr, "refgen:", err)
		os.Exit(1)
	}
}

func run(definition, conditions, doc string) error {
	xrd, err := os.ReadFile(definition)
	if err != nil {
		return fmt.Errorf("cannot read the definition: %w", err)
	}
	src, err := os.ReadFile(conditions)
	if err != nil {
		return fmt.Errorf("cannot read the conditions: %w", err)
	}
	old, err := os.ReadFile(doc)
	if err != nil {
		return fmt.Errorf("cannot read the document: %w", err)
	}
	out, err := Generate(xrd, src, old)
	if err != nil {
		return fmt.Errorf("cannot generate %s: %w", doc, err)
	}
	if err := os.WriteFile(doc, out, 0o644); err != nil { //nolint:gosec // A source file that everyone may read.
		return fmt.Errorf("cannot write the document: %w", err)
	}
	return nil
}

// Generate returns a document with its generated part anew.
func Generate(definition, conditions, doc []byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(doc, []byte(begin))
	if !ok {
		return nil, errors.New("the document has no mark where the generated part begins")
	}
	_, tail, ok := bytes.Cut(rest, []byte(end))
	if !ok {
		return nil, errors.New("the document has no mark where the generated part ends")
	}
	fields, err := Fields(definition)
	if err != nil {
		return nil, err
	}
	conds, err := Conditions(conditions)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{head, []byte(begin), []byte("\n"), fields, conds, []byte("\n"), []byte(end), tail}, nil), nil
}
