// Package progress shows how far things are: as bars at a terminal, and as plain
// lines anywhere else. What is said beside the bars stands above them.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// A Board is where progress is shown.
type Board struct {
	out io.Writer
	// bars is nil where lines are printed.
	bars   *mpb.Progress
	all    []*mpb.Bar
	colour bool
	mu     sync.Mutex
}

// Terminal says whether bars can be drawn on w.
func Terminal(w io.Writer) bool {
	f, ok := w.(*os.File)

	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// New makes a board that draws bars on w, or prints lines there.
func New(w io.Writer, bars bool) *Board {
	b := &Board{out: w, colour: bars && os.Getenv("NO_COLOR") == ""}
	if bars {
		b.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(width), mpb.WithAutoRefresh())
	}

	return b
}

// width is a bar's, without what is said beside it.
const width = 40

// Write says something, above the bars if there are some.
func (b *Board) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	if b.bars != nil {
		return b.bars.Write(p)
	}

	return b.out.Write(p)
}

// Close waits until the bars are drawn for the last time. What is said later is
// printed.
func (b *Board) Close() {
	if b.bars == nil {
		return
	}

	b.mu.Lock()
	defer b.mu.Unlock()

	// What nobody ended would be waited for. To the others it does nothing.
	for _, bar := range b.all {
		bar.Abort(false)
	}

	b.bars.Wait()

	b.bars = nil
}

// A Bar is how far one thing is. Without bars it does nothing: who has it prints
// what matters.
type Bar struct {
	bar    *mpb.Bar
	board  *Board
	mu     sync.Mutex
	note   string
	total  int64
	failed bool
}

// Share is a bar of something of which a share is done.
func (b *Board) Share(name string) *Bar {
	return b.bar(name, 1, decor.Percentage(decor.WCSyncSpace))
}

// Bytes is a bar of something of a size.
func (b *Board) Bytes(name string, size int64) *Bar {
	return b.bar(name, size, decor.Counters(decor.SizeB1000(0), "% .1f / % .1f", decor.WCSyncSpace))
}

func (b *Board) bar(name string, total int64, counters decor.Decorator) *Bar {
	out := &Bar{board: b}
	if b.bars == nil {
		return out
	}

	// One that is made with a total takes no other, and ends by itself.
	out.bar = b.bars.New(0, mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("╸").Padding("─"),
		mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR), decor.Any(out.mark, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(counters, decor.Any(out.words)),
	)
	out.To(0, total)

	b.mu.Lock()
	b.all = append(b.all, out.bar)
	b.mu.Unlock()

	return out
}

// mark says how it ended.
func (b *Bar) mark(s decor.Statistics) string {
	b.mu.Lock()
	defer b.mu.Unlock()

	switch {
	case b.failed:
		return b.board.paint(red, "✗")
	case s.Completed:
		return b.board.paint(green, "✓")
	}

	return " "
}

func (b *Bar) words(decor.Statistics) string {
	b.mu.Lock()
	defer b.mu.Unlock()

	return "  " + b.note
}

// To says how far it is, and of how much.
func (b *Bar) To(done, total int64) {
	if b.bar == nil || total <= 0 {
		return
	}

	b.mu.Lock()
	b.total = total
	b.mu.Unlock()

	b.bar.SetTotal(total, false)
	b.bar.SetCurrent(min(done, total))
}

// Say puts words beside it.
func (b *Bar) Say(note string) {
	b.mu.Lock()
	defer b.mu.Unlock()

	b.note = note
}

// End says what became of it.
func (b *Bar) End(err error, note string) {
	if b.bar == nil {
		return
	}

	b.Say(note)
	b.mu.Lock()
	b.failed = err != nil
	total := b.total
	b.mu.Unlock()

	if err != nil {
		b.bar.Abort(false)
		return
	}

	b.bar.SetTotal(total, true)
}

const (
	red   = "31"
	green = "32"
)

func (b *Board) paint(colour, text string) string {
	if !b.colour {
		return text
	}

	return fmt.Sprintf("\x1b[%sm%s\x1b[0m", colour, text)
}

// Failure is the word that an error is told with.
func (b *Board) Failure(text string) string { return b.paint(red, text) }
