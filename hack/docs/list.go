package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	begin = "<!-- BEGIN GENERATED: hack/docs writes this from the pages' command blocks. DO NOT EDIT. -->\n"
	end   = "<!-- END GENERATED -->\n"
)

// list is the table of what is run and what is not, page by page.
func list(pages []*page) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "| page | %s |\n|---|%s\n", strings.Join(tags(), " | "), strings.Repeat("---|", len(tags())))

	for _, p := range pages {
		counts, found := p.counts()
		if !found {
			continue
		}

		fmt.Fprintf(b, "| %s |", p.name)

		for _, t := range tags() {
			if counts[t] == 0 {
				b.WriteString(" |")
			} else {
				fmt.Fprintf(b, " %d |", counts[t])
			}
		}

		b.WriteByte('\n')
	}

	return b.String()
}

func (p *page) counts() (map[string]int, bool) {
	counts := map[string]int{}

	for _, b := range p.blocks {
		if b.command() {
			counts[b.tag()]++
		}
	}

	return counts, len(counts) > 0
}

// parts is a page around the list in it.
func parts(file string) (head, old, tail []byte, err error) {
	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("cannot read the list of what is not run: %w", err)
	}

	head, rest, ok := bytes.Cut(b, []byte(begin))
	if !ok {
		return nil, nil, nil, fmt.Errorf("%s has no mark where the list of what is not run begins", file)
	}

	old, tail, ok = bytes.Cut(rest, []byte(end))
	if !ok {
		return nil, nil, nil, fmt.Errorf("%s has no mark where the list of what is not run ends", file)
	}

	return head, old, tail, nil
}

func writeList(file string, pages []*page) error {
	head, _, tail, err := parts(file)
	if err != nil {
		return err
	}

	b := bytes.Join([][]byte{head, []byte(begin), []byte("\n" + list(pages) + "\n"), []byte(end), tail}, nil)
	if err := os.WriteFile(file, b, 0o644); err != nil {
		return fmt.Errorf("cannot write the list of what is not run: %w", err)
	}

	return nil
}

func checkList(file string, pages []*page) []error {
	_, old, _, err := parts(file)
	if err != nil {
		return []error{err}
	}

	if string(old) != "\n"+list(pages)+"\n" {
		return []error{fmt.Errorf("%s lists other blocks than there are: run make generate", file)}
	}

	return nil
}

// report names every block that was not run, and why.
func report(out io.Writer, pages []*page) {
	total := map[string]int{}

	for _, p := range pages {
		for _, b := range p.blocks {
			if !b.command() {
				continue
			}

			total[b.tag()]++

			if b.tag() != tagRun {
				first, _, _ := strings.Cut(strings.TrimSpace(b.commands()), "\n")
				fmt.Fprintf(out, "not run, %s: %s: %s\n", b.tag(), b.where(), first)
			}
		}
	}

	for _, t := range tags() {
		fmt.Fprintf(out, "%s: %d\n", t, total[t])
	}
}
