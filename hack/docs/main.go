// Command docs holds the documentation to what is so. In every page it
//
//   - parses each command block, and finds its tag: who can run it;
//   - runs those that are tagged run, and compares what they print with the block
//     that follows;
//   - has the API server's schemas and rules admit each YAML block;
//   - finds links that lead nowhere;
//   - counts what it did not run, for people and for docs/README.md.
//
// The tags are in package page's words in tags.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

type options struct {
	// root is the repository, ci the script that runs what is tagged covered.
	root, ci string
	// list is the page that counts what is not run; write rewrites it.
	list  string
	write bool
	// norun leaves out running: what is left takes seconds.
	norun bool
}

func main() {
	o := options{}
	flag.StringVar(&o.root, "root", ".", "the repository")
	flag.StringVar(&o.ci, "ci", ".ci/run", "the script that runs what is tagged "+tagCovered)
	flag.StringVar(&o.list, "list", "docs/README.md", "the page that lists what is not run")
	flag.BoolVar(&o.write, "write", false, "rewrite that list, and do nothing else")
	flag.BoolVar(&o.norun, "norun", false, "check everything and run nothing")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // The one deferred call is made above.
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	pages, err := readPages(o.root)
	if err != nil {
		return err
	}

	if o.write {
		return writeList(filepath.Join(o.root, o.list), pages)
	}

	ci, err := os.ReadFile(filepath.Join(o.root, o.ci))
	if err != nil {
		return fmt.Errorf("cannot read what CI runs: %w", err)
	}

	errs := slices.Concat(
		checkBlocks(pages, string(ci)),
		checkYAML(ctx, o.root, pages),
		checkLinks(o.root, pages),
		checkList(filepath.Join(o.root, o.list), pages),
	)

	// What does not parse is not run.
	if len(errs) == 0 && !o.norun {
		errs = runBlocks(ctx, o.root, pages, out)
	}

	report(out, pages)

	return errors.Join(errs...)
}

// readPages reads what people read: the pages at the top, and those in docs.
func readPages(root string) ([]*page, error) {
	names, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		return nil, fmt.Errorf("cannot list pages: %w", err)
	}

	err = filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			names = append(names, path)
		}

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list pages: %w", err)
	}

	pages := make([]*page, 0, len(names))

	for _, name := range names {
		b, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			return nil, fmt.Errorf("cannot read a page: %w", err)
		}

		short, err := filepath.Rel(root, name)
		if err != nil {
			return nil, fmt.Errorf("cannot name a page: %w", err)
		}

		pages = append(pages, parse(filepath.ToSlash(short), b))
	}

	return pages, nil
}
