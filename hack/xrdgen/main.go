// Command xrdgen turns the CustomResourceDefinition that controller-gen makes
// from Go types into a Crossplane CompositeResourceDefinition.
//
// Crossplane makes a CRD from the CompositeResourceDefinition again and leaves
// out, without a word, what it has no place for. So a rule or a default could
// stand in the Go types and in the definition and still never reach the API
// server. xrdgen fails instead of writing such a definition.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	crd := flag.String("crd", "", "the CustomResourceDefinition to read")
	out := flag.String("out", "", "the CompositeResourceDefinition to write")
	flag.Parse()

	if err := run(*crd, *out); err != nil {
		fmt.Fprintln(os.Stderr, "xrdgen:", err)
		os.Exit(1)
	}
}

func run(crd, out string) error {
	in, err := os.ReadFile(crd)
	if err != nil {
		return fmt.Errorf("cannot read the CustomResourceDefinition: %w", err)
	}
	xrd, err := Convert(in)
	if err != nil {
		return fmt.Errorf("cannot convert %s: %w", crd, err)
	}
	if err := os.WriteFile(out, xrd, 0o644); err != nil {
		return fmt.Errorf("cannot write the CompositeResourceDefinition: %w", err)
	}
	return nil
}
