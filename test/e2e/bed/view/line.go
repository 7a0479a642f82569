package view

import (
	"strings"
	"unicode"
)

// A tone says how a piece of text is meant; a terminal shows it as colour.
type tone int

const (
	plain tone = iota
	dim
	good
	busy
	bad
	strong
)

// ansi returns the escape sequence of a tone. The sixteen base colours follow
// the terminal's own theme, light or dark.
func (t tone) ansi() string {
	return [...]string{"", "\x1b[2m", "\x1b[32m", "\x1b[36m", "\x1b[31m", "\x1b[1m"}[t]
}

type piece struct {
	text string
	tone tone
}

// A line is one row of text.
type line []piece

// render cuts a line to a width (0: any) and colours it if asked.
func (l line) render(width int, colour bool) string {
	left := width
	var b strings.Builder
	for _, p := range l {
		text := p.text
		if width > 0 {
			text = cut(text, left)
			left -= columns(text)
		}
		if text == "" {
			continue
		}
		if colour && p.tone != plain {
			b.WriteString(p.tone.ansi() + text + "\x1b[0m")
			continue
		}
		b.WriteString(text)
	}
	return strings.TrimRight(b.String(), " ")
}

// text joins lines without colour and without a limit.
func text(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.render(0, false) + "\n")
	}
	return b.String()
}

// columns counts the terminal columns a text takes. East Asian wide characters
// take two.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case r >= 0x1100 && (r <= 0x115f || (r >= 0x2e80 && r <= 0xa4cf) || (r >= 0xac00 && r <= 0xd7a3) ||
		(r >= 0xf900 && r <= 0xfaff) || (r >= 0xfe30 && r <= 0xfe6f) || (r >= 0xff00 && r <= 0xff60) || r >= 0x1f300):
		return 2
	}
	return 1
}

// cut shortens a text to a number of columns, with an ellipsis where it was cut.
func cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if columns(s) <= width {
		return s
	}
	var b strings.Builder
	left := width - 1
	for _, r := range s {
		if left -= runeColumns(r); left < 0 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

// pad fills a text with spaces up to a number of columns.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}

// oneLine makes a message safe to print: one line, no control characters, and
// without the wrapping that upjet puts around what AWS said.
func oneLine(s string) string {
	if i := strings.Index(s, "[{0 "); i >= 0 {
		s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s[i+len("[{0 "):]), "[]}]"))
	}
	if i := strings.Index(s, "RequestID: "); i >= 0 {
		if _, rest, ok := strings.Cut(s[i:], ", "); ok {
			s = rest
		}
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
