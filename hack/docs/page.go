package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// A page is a Markdown document.
type page struct {
	name   string
	blocks []*block
	links  []link
	// anchors are what a link's fragment may be.
	anchors map[string]bool
}

// A block is a block of code.
type block struct {
	page string
	line int
	// language is the first word behind the fence, tags are the others.
	language string
	tags     []string
	fenced   bool
	text     string
	// next is the block that follows with nothing between, or nil.
	next *block
}

// A link is where a link or a picture leads to.
type link struct {
	page   string
	line   int
	target string
}

func (b *block) where() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

func (l link) where() string { return fmt.Sprintf("%s:%d", l.page, l.line) }

func parse(name string, source []byte) *page {
	p := &page{name: name, anchors: map[string]bool{}}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))

	_ = ast.Walk(md.Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}

		switch n := n.(type) {
		case *ast.Heading:
			p.heading(headingText(n, source))
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			p.block(n, source)
		case *ast.Link:
			p.links = append(p.links, link{page: name, line: line(n, source), target: string(n.Destination)})
		case *ast.Image:
			p.links = append(p.links, link{page: name, line: line(n, source), target: string(n.Destination)})
		}

		return ast.WalkContinue, nil
	})

	return p
}

// heading adds a heading's anchor as GitHub makes it: lower case, no punctuation,
// hyphens for spaces, and a number for one that was there before.
func (p *page) heading(title string) {
	anchor := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}

		return -1
	}, title)

	unique := anchor
	for i := 1; p.anchors[unique]; i++ {
		unique = fmt.Sprintf("%s-%d", anchor, i)
	}

	p.anchors[unique] = true
}

func (p *page) block(n ast.Node, source []byte) {
	b := &block{page: p.name, line: line(n, source)}

	if f, ok := n.(*ast.FencedCodeBlock); ok {
		b.fenced = true

		if f.Info != nil {
			words := strings.Fields(string(f.Info.Segment.Value(source)))
			if len(words) > 0 {
				b.language, b.tags = words[0], words[1:]
			}
		}
	}

	for i := range n.Lines().Len() {
		s := n.Lines().At(i)
		b.text += string(s.Value(source))
	}

	if previous := n.PreviousSibling(); previous != nil && len(p.blocks) > 0 && previous.Kind() == ast.KindFencedCodeBlock {
		p.blocks[len(p.blocks)-1].next = b
	}

	p.blocks = append(p.blocks, b)
}

func headingText(n ast.Node, source []byte) string {
	b := &strings.Builder{}

	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
		}

		return ast.WalkContinue, nil
	})

	return b.String()
}

// line is where the nearest block begins that has lines of its own.
func line(n ast.Node, source []byte) int {
	for ; n != nil; n = n.Parent() {
		if n.Type() != ast.TypeBlock || n.Lines() == nil || n.Lines().Len() == 0 {
			continue
		}

		return bytes.Count(source[:n.Lines().At(0).Start], []byte("\n")) + 1
	}

	return 1
}
