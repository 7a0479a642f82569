package main

import (
	"fmt"
	"strings"
	"time"
)

// table is a Markdown table.
func table(head []string, body [][]string) string {
	b := &strings.Builder{}
	row := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }

	row(head)
	fmt.Fprintf(b, "|%s\n", strings.Repeat("---|", len(head)))

	for _, cells := range body {
		row(cells)
	}

	return b.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func count(v float64) string { return fmt.Sprintf("%.0f", v) }
