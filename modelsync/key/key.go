// Package key decides which keys of a bucket become files, and where. S3 takes
// nearly any text for a key; a directory does not. A key that cannot be a file is
// refused with a reason and stops nothing else.
//
// A key that is taken is the file's path below the mirrored directory, byte for
// byte: two keys are never one file, and none lies outside. The rules are written
// down for people in docs/reference/model-keys.md.
package key

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest names: NAME_MAX of Linux's file systems, and S3's own limit for keys,
// which leaves a path room below PATH_MAX (4096) for the directory before it.
const (
	maxSegment = 255
	maxKey     = 1024
)

// IsFolder says whether the key is a mark that consoles leave for an empty
// folder. Folders come and go with their files, so such a key is no file.
func IsFolder(key string, size int64) bool {
	return size == 0 && strings.HasSuffix(key, "/")
}

// Check refuses a key that cannot be a file.
func Check(key string) error {
	switch {
	case key == "":
		return errors.New("is empty")
	case len(key) > maxKey:
		return fmt.Errorf("is longer than %d bytes", maxKey)
	case !utf8.ValidString(key):
		return errors.New("is not UTF-8")
	case strings.ContainsFunc(key, unicode.IsControl):
		return errors.New("holds a control character")
	case strings.HasSuffix(key, "/"):
		return errors.New("names a folder and holds bytes")
	}

	for segment := range strings.SplitSeq(key, "/") {
		switch {
		case segment == "":
			return errors.New("has an empty segment")
		case segment == "." || segment == "..":
			return fmt.Errorf("has the segment %q", segment)
		case len(segment) > maxSegment:
			return fmt.Errorf("has a segment of more than %d bytes", maxSegment)
		}
	}

	return nil
}

// Folders are the folders that a key's file lies in, outermost first.
func Folders(key string) []string {
	var out []string

	for i, r := range key {
		if r == '/' {
			out = append(out, key[:i])
		}
	}

	return out
}
