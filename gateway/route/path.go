// Package route decides on paths: which of ComfyUI's there are, who may ask for
// what, and what kind of question it is. It judges a path that was decoded once,
// and whatever could be read in two ways is refused. What is forwarded is the path
// as it came.
package route

import (
	"errors"
	"net/url"
	"strings"
)

// ErrPath is of a path that servers could read in different ways.
var ErrPath = errors.New("cannot take this path")

// longestPath is more than any name of a saved workflow needs.
const longestPath = 4096

// Canonical is a path decoded once, as a list of segments. A slash at the end is
// left out.
func Canonical(u *url.URL) ([]string, error) {
	if u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil || u.Fragment != "" {
		return nil, ErrPath
	}

	raw := u.EscapedPath()
	if !strings.HasPrefix(raw, "/") || len(raw) > longestPath || strings.ContainsAny(raw, "#?\\") {
		return nil, ErrPath
	}

	var out []string

	parts := strings.Split(raw[1:], "/")
	for i, part := range parts {
		segment, err := url.PathUnescape(part)
		if err != nil || !plain(segment) {
			return nil, ErrPath
		}

		if segment == "" && i == len(parts)-1 {
			continue
		}

		if segment == "" || segment == "." || segment == ".." {
			return nil, ErrPath
		}

		out = append(out, segment)
	}

	return out, foldersOnly(out)
}

// plain refuses what another decoder could take for something else: control
// characters, backslashes, what is still encoded, and parameters of a path.
func plain(segment string) bool {
	for _, r := range segment {
		if r < ' ' || r == 0x7f || r == '\\' || r == '%' || r == '#' || r == '?' || r == ';' || r == 0xfffd {
			return false
		}
	}

	return true
}

// foldersOnly lets an encoded slash pass in the names of users' files alone, where
// the frontend writes workflows%2Fname.json. Those names are paths of their own.
func foldersOnly(segments []string) error {
	for i, s := range segments {
		if !strings.Contains(s, "/") {
			continue
		}

		if i == 0 || !userdata(segments[:i]) {
			return ErrPath
		}

		for part := range strings.SplitSeq(s, "/") {
			if part == "" || part == "." || part == ".." {
				return ErrPath
			}
		}
	}

	return nil
}

func userdata(before []string) bool {
	before, _ = bare(before)
	if len(before) > 0 && before[0] == "v2" {
		before = before[1:]
	}

	return len(before) > 0 && before[0] == userData
}

// bare is a path without the /api that all of ComfyUI's routes may have.
func bare(segments []string) ([]string, bool) {
	if len(segments) > 0 && segments[0] == "api" {
		return segments[1:], true
	}

	return segments, false
}
