package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// maxChildren is how many resources a part shows while it is coming up.
const maxChildren = 5

// maxWaits is how much of what a part waits for a tree shows: it names resources
// by the dozen. The diagnosis has all of it.
const maxWaits = 70

// Tree draws a studio at rest: every part, and in it the kinds with their number
// and the time between the first one's creation and the last one's readiness.
func Tree(s Snapshot) string {
	out := []line{{{headline(s), strong}}}
	shown := shownParts(s)
	for i, p := range shown {
		branch, stem := "├─ ", "│  "
		if i == len(shown)-1 {
			branch, stem = "└─ ", "   "
		}
		p.Waits = cut(p.Waits, maxWaits)
		out = append(out, append(line{{branch, dim}}, partLine(s, p)...))
		for _, l := range kindLines(s, p) {
			out = append(out, append(line{{stem, dim}}, l...))
		}
	}
	return text(out)
}

// shownParts leaves out the absent parts of a studio that goes away.
func shownParts(s Snapshot) []Part {
	return slices.DeleteFunc(slices.Clone(s.Parts), func(p Part) bool { return s.Deleting && p.State == Absent })
}

func place(s Snapshot) string {
	at := s.Namespace + "/" + s.Name
	if s.Region != "" {
		at += " in " + s.Region
	}
	return at
}

func headline(s Snapshot) string {
	at := place(s)
	switch {
	case s.Deleting && Down(s):
		return at + ": gone"
	case s.Deleting:
		return at + ": going away"
	case s.Ready:
		return fmt.Sprintf("%s: Ready, %d resources", at, len(s.Resources()))
	}
	return fmt.Sprintf("%s: not Ready, %d of %d resources ready", at, s.Count(Ready), s.Total())
}

// partLine is the one line that says all of a part.
func partLine(s Snapshot, p Part) line {
	if p.State == Absent {
		return line{{"– " + pad(p.Name, 10) + p.Waits, dim}}
	}
	mark, t := look(p.State)
	l := line{{mark + " ", t}, {pad(p.Name, 10), strong}}
	done := p.Count(Ready)
	if s.Deleting {
		done = p.Count(Gone) + p.Count(Kept)
	}
	if len(p.Resources) > 0 {
		l = append(l, piece{pad(fmt.Sprintf("%d/%d", done, len(p.Resources)), 8), plain})
	} else {
		l = append(l, piece{pad("", 8), plain})
	}
	l = append(l, piece{pad(string(p.State), 9), t}, piece{pad(spanText(s, p), 17), plain})
	if p.Waits != "" && p.State != Ready && !s.Deleting {
		l = append(l, piece{p.Waits, dim})
	}
	return l
}

func spanText(s Snapshot, p Part) string {
	from, to := p.Span(s.Now)
	if from == 0 || s.Deleting {
		return ""
	}
	return fmt.Sprintf("%5.1f – %4.1f min", s.Minutes(from), s.Minutes(to))
}

func look(st State) (mark string, t tone) {
	switch st {
	case Ready, Gone:
		return "✓", good
	case Failing:
		return "✗", bad
	case Creating:
		return "◐", busy
	case Deleting:
		return "▽", busy
	case Kept:
		return "■", good
	case Waiting:
		return "·", dim
	case Absent:
	}
	return "–", dim
}

// kindLines sums up a part's resources by kind, in order of creation.
func kindLines(s Snapshot, p Part) []line {
	type group struct {
		kind     string
		n        int
		worst    State
		from, to float64
	}
	var groups []*group
	byKind := map[string]*group{}
	for _, r := range p.Resources {
		g := byKind[r.Kind]
		if g == nil {
			g = &group{kind: r.Kind, worst: r.State, from: math.Inf(1)}
			byKind[r.Kind] = g
			groups = append(groups, g)
		}
		g.n++
		g.from, g.to = min(g.from, r.Created), max(g.to, r.Active)
		if severity(r.State) > severity(g.worst) {
			g.worst = r.State
		}
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(a.from, b.from) })
	out := make([]line, 0, len(groups))
	for i, g := range groups {
		branch := "├─ "
		if i == len(groups)-1 {
			branch = "└─ "
		}
		mark, t := look(g.worst)
		name := g.kind
		if g.n > 1 {
			name += fmt.Sprintf(" ×%d", g.n)
		}
		span := string(g.worst)
		if g.worst == Ready && !s.Deleting {
			span = fmt.Sprintf("%5.1f – %4.1f min", s.Minutes(g.from), s.Minutes(g.to))
		}
		out = append(out, line{{branch, dim}, {mark + " ", t}, {pad(cut(name, 45), 46), plain}, {span, plain}})
	}
	return out
}

func severity(st State) int {
	return slices.Index([]State{Absent, Gone, Kept, Ready, Waiting, Deleting, Creating, Failing}, st)
}

// Frame draws a studio on its way: a headline, a progress bar, and one line per
// part with the resources that are being worked on below it.
func Frame(s Snapshot, width int) []string { return renderAll(frame(s, width, 0), width, false) }

func frame(s Snapshot, width, height int) []line {
	children := maxChildren
	for {
		out := frameWith(s, width, children)
		if height == 0 || len(out) < height || children == 0 {
			return out
		}
		children--
	}
}

func frameWith(s Snapshot, width, children int) []line {
	out := []line{
		{{place(s), strong}},
		progress(s, width),
		{},
	}
	for _, p := range shownParts(s) {
		out = append(out, partLine(s, p))
		out = append(out, childLines(s, p, children)...)
	}
	return out
}

// progress is the bar: what is ready, or gone when the studio is going away, of
// all there is.
func progress(s Snapshot, width int) line {
	total := s.Total()
	done, word := s.Count(Ready), "ready"
	if s.Deleting {
		done, word = s.Count(Gone)+s.Count(Kept), "gone or kept"
	}
	note := fmt.Sprintf("  %d of %d %s  %.1f min simulated, %.0f s real", done, total, word, s.Elapsed(), s.RealSeconds())
	size := min(40, max(10, width-columns(note)-2))
	full := 0
	if total > 0 {
		full = size * done / total
	}
	return line{{"[", dim}, {strings.Repeat("█", full), good}, {strings.Repeat("░", size-full), dim}, {"]", dim}, {note, plain}}
}

// childLines shows the resources of a part that are not at rest, failing ones
// first.
func childLines(s Snapshot, p Part, limit int) []line {
	var show []Resource
	for _, r := range p.Resources {
		switch r.State {
		case Creating, Failing, Deleting, Waiting:
			show = append(show, r)
		case Ready, Gone, Kept, Absent:
		}
	}
	slices.SortStableFunc(show, func(a, b Resource) int { return cmp.Compare(severity(b.State), severity(a.State)) })
	var out []line
	for i, r := range show {
		if i == limit {
			out = append(out, line{{fmt.Sprintf("     … and %d more", len(show)-limit), dim}})
			break
		}
		mark, t := look(r.State)
		l := line{{"   ", plain}, {mark + " ", t}, {pad(cut(r.Kind+" "+r.Label(), 43), 44), plain}, {pad(string(r.State), 9), t}}
		if since := r.Created; since > 0 && r.State != Deleting {
			l = append(l, piece{fmt.Sprintf("%5.1f min ", (s.Now-since)/60), plain})
		}
		out = append(out, append(l, piece{cut(r.Message, 120), dim}))
	}
	return out
}

func renderAll(lines []line, width int, colour bool) []string {
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		out = append(out, l.render(width, colour))
	}
	return out
}
