// Command providerpolicy writes the policy documents of the role that provider-aws
// makes studios with. They allow what the kinds in the activation policy need
// (actions.yaml), and are narrowed by what studios are composed of as hack/render
// prints them: the names of their roles, who may be given these, and which policies
// of AWS they may have.
package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	activation := flag.String("activation", "apis/comfyuistudios/activation.yaml", "the activation policy")
	table := flag.String("actions", "hack/providerpolicy/actions.yaml", "the table of actions")
	from := flag.String("from", "_output/rendered", "folder of studios' resources, as make render-all writes it")
	to := flag.String("to", "docs/provider-policy", "folder to write the documents to")
	flag.Parse()

	if err := run(*activation, *table, *from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "providerpolicy:", err)
		os.Exit(1)
	}
}

func run(activation, table, from, to string) error {
	a, err := os.ReadFile(filepath.Clean(activation))
	if err != nil {
		return fmt.Errorf("cannot read the activation policy: %w", err)
	}

	t, err := os.ReadFile(filepath.Clean(table))
	if err != nil {
		return fmt.Errorf("cannot read the table of actions: %w", err)
	}

	files, err := filepath.Glob(filepath.Join(from, "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("cannot find resources in %s: make render-all writes them", from)
	}

	var studios [][]byte

	for _, f := range files {
		b, err := os.ReadFile(filepath.Clean(f))
		if err != nil {
			return fmt.Errorf("cannot read resources: %w", err)
		}

		studios = append(studios, b)
	}

	documents, err := Generate(a, t, studios)
	if err != nil {
		return err
	}

	errs := []error{os.MkdirAll(to, 0o755)}
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		errs = append(errs, os.WriteFile(filepath.Join(to, name), documents[name], 0o644)) //nolint:gosec // Documents that everyone may read.
	}

	return errors.Join(errs...)
}
