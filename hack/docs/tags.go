package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Who can run a command block. Each has exactly one of these behind its language.
const (
	// tagRun: this program, at the top of the repository, within a minute. A block
	// with the language text that follows at once is what it prints.
	tagRun = "run"
	// tagCovered: the script of CI, which has the same lines.
	tagCovered = "covered"
	// tagTime: anybody, but not within a minute.
	tagTime = "needs-time"
	// tagDocker: who has a container engine.
	tagDocker = "needs-docker"
	// tagRegistry: who may publish.
	tagRegistry = "needs-registry"
	// tagAWS: who has an account, or a studio in it.
	tagAWS = "needs-aws"
)

// tags are all of them, in the order of the list.
func tags() []string {
	return []string{tagRun, tagCovered, tagTime, tagDocker, tagRegistry, tagAWS}
}

// tagPlain is for YAML that is no Kubernetes object: it is parsed.
const tagPlain = "plain"

const (
	bash       = "bash"
	transcript = "console"
)

// command tells whether people are to type what is in the block.
func (b *block) command() bool { return b.language == bash || b.language == transcript }

// tag is a command block's tag.
func (b *block) tag() string {
	if len(b.tags) == 0 {
		return ""
	}

	return b.tags[0]
}

func checkBlocks(pages []*page, ci string) []error {
	var errs []error

	for _, p := range pages {
		for _, b := range p.blocks {
			if err := b.check(ci); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", b.where(), err))
			}
		}
	}

	return errs
}

func (b *block) check(ci string) error {
	switch b.language {
	case bash, transcript:
		return b.checkCommand(ci)
	case "yaml":
		return nil
	case "text", "go", "json":
		if len(b.tags) > 0 {
			return fmt.Errorf("a block of %s has no tag, and this one has %q", b.language, b.tags)
		}

		return nil
	case "":
		if !b.fenced {
			return errors.New("a block that is only indented cannot say what it is: fence it")
		}

		return errors.New("a block must say what it is behind its fence: bash with a tag, yaml, json, go or text")
	default:
		return fmt.Errorf("blocks of %q are not known here: commands are bash, what a shell shows is console, all else is text", b.language)
	}
}

func (b *block) checkCommand(ci string) error {
	if len(b.tags) != 1 || !slices.Contains(tags(), b.tags[0]) {
		return fmt.Errorf("a block of commands has exactly one tag of %s: this one has %q", strings.Join(tags(), ", "), b.tags)
	}

	commands := b.commands()
	if strings.TrimSpace(commands) == "" {
		return errors.New("there is no command in this block")
	}

	if _, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(commands), ""); err != nil {
		return fmt.Errorf("this is not bash: %w", err)
	}

	if b.tags[0] == tagRun && b.language == transcript {
		return errors.New("what is run is bash, and what it prints is a block of text after it")
	}

	if b.tags[0] == tagCovered {
		return covered(commands, ci)
	}

	return nil
}

// commands is what a shell would get. In a transcript that is what stands behind
// the prompt.
func (b *block) commands() string {
	if b.language != transcript {
		return b.text
	}

	out := &strings.Builder{}
	goesOn := false

	for line := range strings.Lines(b.text) {
		typed, prompt := strings.CutPrefix(line, "$ ")
		if !prompt && !goesOn {
			continue
		}

		out.WriteString(typed)

		goesOn = strings.HasSuffix(strings.TrimRight(typed, "\n"), `\`)
	}

	return out.String()
}

// covered tells whether CI's script has every line of a block.
func covered(commands, ci string) error {
	lines := map[string]bool{}
	for line := range strings.Lines(ci) {
		lines[strings.TrimSpace(line)] = true
	}

	for line := range strings.Lines(commands) {
		line, _, _ = strings.Cut(line, " # ")
		if line = strings.TrimSpace(line); line != "" && !lines[line] {
			return fmt.Errorf("CI's script does not have the line %q, so it does not cover this block", line)
		}
	}

	return nil
}
