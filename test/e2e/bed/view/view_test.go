package view

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestTree(t *testing.T) {
	cases := map[string]struct {
		reason string
		s      Snapshot
	}{
		"Ready":   {reason: "A studio that came up shows its kinds with their times.", s: Build(studio(13.5, finished(), whole()...))},
		"Halfway": {reason: "A studio on its way shows what its parts wait for.", s: Build(halfway(4))},
		"Gone":    {reason: "A studio that went shows what is kept.", s: Build(gone())},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			golden(t, "tree-"+strings.ToLower(name)+".txt", tc.reason+"\n\n"+Tree(tc.s))
		})
	}
}

// gone is a studio whose objects have all gone and whose bucket is kept.
func gone() Observation {
	o := studio(30, finished(), whole()...)
	o.Claim, o.Known, o.Deleted = nil, map[ID]string{}, at(20)
	for _, u := range o.Composed {
		o.Known[idOf(u)] = u.GetAnnotations()[annotationKey]
	}
	o.Composed = nil
	for i, e := range o.Ledger.Entries {
		if e.Kind == "Bucket" {
			o.Ledger.Entries[i].Retained = true
			continue
		}
		o.Ledger.Entries[i].State, o.Ledger.Entries[i].Deleted = "gone", at(29)
	}
	return o
}

func TestFrame(t *testing.T) {
	wide := strings.Join(Frame(Build(halfway(4)), 100), "\n") + "\n"
	golden(t, "frame.txt", wide)
	for _, width := range []int{20, 40, 79, 100} {
		for _, row := range Frame(Build(halfway(4)), width) {
			if columns(row) > width {
				t.Errorf("Frame(..., %d): a row takes %d columns: %q", width, columns(row), row)
			}
		}
	}
}

func TestTerminalRedraws(t *testing.T) {
	var out bytes.Buffer
	size := func() (int, int) { return 60, 9 }
	term := NewTerminal(&out, size, true)
	term.Show(Build(halfway(4)))
	first := strings.Count(out.String(), "\n")
	if first > 8 {
		t.Errorf("Show(...): %d rows on a terminal of 9: what scrolls out cannot be drawn over", first)
	}
	out.Reset()
	term.Show(Build(halfway(5)))
	if !strings.HasPrefix(out.String(), "\x1b[8A\r\x1b[2K") {
		t.Errorf("Show(...): want the cursor to go up over the drawing, got %q", out.String()[:20])
	}
	if !strings.Contains(out.String(), "\x1b[36m") {
		t.Error("Show(...): want colour")
	}
	out.Reset()
	term.Close()
	if want := "\x1b[8A\r\x1b[J\x1b[?25h"; out.String() != want {
		t.Errorf("Close(): want %q, got %q", want, out.String())
	}
}

func TestNoColour(t *testing.T) {
	var out bytes.Buffer
	NewTerminal(&out, func() (int, int) { return 80, 40 }, false).Show(Build(halfway(4)))
	if strings.Contains(out.String(), "m◐") || strings.Contains(out.String(), "\x1b[3") {
		t.Errorf("Show(...): want no colour, got %q", out.String())
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	log := NewLog(&out)
	for now := 0.0; now < 13.2; now += 0.25 {
		log.Show(Build(halfway(now)))
	}
	log.Show(Build(studio(13.5, finished(), whole()...)))
	golden(t, "log.txt", out.String())
	if strings.Contains(out.String(), "\x1b") {
		t.Error("Show(...): want no escape sequences in a log")
	}
}

func TestLogIsBounded(t *testing.T) {
	var out bytes.Buffer
	log := NewLog(&out)
	for i := range 400 {
		o := halfway(2)
		o.Ledger.Now += float64(i) * 60
		if i%2 == 0 {
			o.Composed = o.Composed[:4]
		}
		log.Show(Build(o))
	}
	if n := strings.Count(out.String(), "\n"); n > maxLogLines {
		t.Errorf("Show(...): %d lines, want at most %d", n, maxLogLines)
	}
}

func TestGantt(t *testing.T) {
	s := Build(studio(13.5, finished(), whole()...))
	got := Gantt(s)
	golden(t, "gantt.svg", got)
	if again := Gantt(Build(studio(13.5, finished(), whole()...))); again != got {
		t.Error("Gantt(...): two drawings of the same studio differ")
	}
	if strings.Contains(got, "<script") {
		t.Error("Gantt(...): want no script")
	}
	hot := 0
	dec := xml.NewDecoder(strings.NewReader(got))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("Gantt(...): not XML: %v", err)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "rect" && class(e) == "critical" {
			hot++
		}
	}
	// One more is in the legend.
	if want := len(CriticalPath(s)) + 1; hot != want {
		t.Errorf("Gantt(...): %d critical bars, want %d", hot, want)
	}
}

func class(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "class" {
			return a.Value
		}
	}
	return ""
}

func TestReport(t *testing.T) {
	s := Build(studio(13.5, finished(), whole()...))
	golden(t, "parts.txt", PartTable(s))
	golden(t, "path.txt", PathTable(s))
	golden(t, "hints.txt", Hints(s, Place{Kubeconfig: "/bed/kubeconfig", Ledger: "http://127.0.0.1:1/ledger", Keep: true, Delete: "demo --delete", Down: "make demo-down"}))
	golden(t, "remains.txt", Remains(Build(gone())))
}
