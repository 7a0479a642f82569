package view

import (
	"fmt"
	"io"
	"strings"
)

// A Screen shows snapshots as they come.
type Screen interface {
	Show(s Snapshot)
	// Close ends the showing and leaves the output fit for ordinary printing.
	Close()
}

// A Terminal redraws the studio in place.
type Terminal struct {
	out    io.Writer
	size   func() (width, height int)
	colour bool
	drawn  int
}

// NewTerminal returns a Screen for a terminal of the size that size reports.
func NewTerminal(out io.Writer, size func() (width, height int), colour bool) *Terminal {
	return &Terminal{out: out, size: size, colour: colour}
}

// Show draws the snapshot over the one before.
func (t *Terminal) Show(s Snapshot) {
	width, height := t.size()
	// A row as wide as the terminal would wrap on some of them, and one row is
	// left for the cursor: what scrolls out of sight cannot be drawn over.
	rows := renderAll(frame(s, width-1, height), width-1, t.colour)
	rows = rows[:min(len(rows), max(1, height-1))]
	var b strings.Builder
	if t.drawn == 0 {
		b.WriteString("\x1b[?25l")
	}
	t.home(&b)
	for _, row := range rows {
		b.WriteString("\x1b[2K" + row + "\n")
	}
	b.WriteString("\x1b[J")
	t.drawn = len(rows)
	_, _ = io.WriteString(t.out, b.String())
}

func (t *Terminal) home(b *strings.Builder) {
	if t.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r", t.drawn)
	}
}

// Close takes the drawing away: the caller prints how it ended.
func (t *Terminal) Close() {
	if t.drawn == 0 {
		return
	}
	var b strings.Builder
	t.home(&b)
	b.WriteString("\x1b[J\x1b[?25h")
	t.drawn = 0
	_, _ = io.WriteString(t.out, b.String())
}

// maxLogLines bounds what a Log prints.
const maxLogLines = 60

// A Log prints one line per change of a part, for output that is kept: CI, a
// pipe, a file.
type Log struct {
	out   io.Writer
	lines int
	last  map[string]Part
	spoke map[string]float64
}

// NewLog returns a Screen for output that is not a terminal.
func NewLog(out io.Writer) *Log {
	return &Log{out: out, last: map[string]Part{}, spoke: map[string]float64{}}
}

// Show prints what changed since the snapshot before.
func (l *Log) Show(s Snapshot) {
	for _, p := range s.Parts {
		was, seen := l.last[p.Name]
		if !l.worth(s, p, was, seen) {
			continue
		}
		l.last[p.Name], l.spoke[p.Name] = p, s.Now
		l.print(line{{fmt.Sprintf("%5.1f min  ", s.Elapsed()), plain}}, partLine(s, p))
	}
}

// worth says whether a part has news. A state is always news, unless it says that
// nothing happens; a count is when two simulated minutes have passed, and only
// while there is room.
func (l *Log) worth(s Snapshot, p, was Part, seen bool) bool {
	if !seen || p.State != was.State {
		return seen && p.State != Absent || p.State != Waiting && p.State != Absent
	}
	moved := p.Count(Ready) != was.Count(Ready) || p.Count(Gone) != was.Count(Gone) || len(p.Resources) != len(was.Resources)
	return moved && s.Now-l.spoke[p.Name] >= 120 && l.lines < maxLogLines*2/3
}

func (l *Log) print(pieces ...line) {
	l.lines++
	switch {
	case l.lines > maxLogLines:
		return
	case l.lines == maxLogLines:
		fmt.Fprintln(l.out, "           … further changes are not shown")
		return
	}
	var all line
	for _, p := range pieces {
		all = append(all, p...)
	}
	fmt.Fprintln(l.out, all.render(140, false))
}

// Close does nothing: a log is always fit to go on.
func (*Log) Close() {}
