// Package prompt gives prompts their ids and writes them into what a client sends.
//
// ComfyUI takes any UUID. Ours say which server they were made for, so every
// replica finds a prompt's server without having seen it, and knows one whose
// server is gone.
package prompt

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// A Tag stands for a server: 48 bits of the hash of its pod's UID.
type Tag [6]byte

// TagOf is a server's tag.
func TagOf(uid string) Tag {
	sum := sha256.Sum256([]byte(uid))
	return Tag(sum[:6])
}

// String writes a tag.
func (t Tag) String() string { return hex.EncodeToString(t[:]) }

// ParseTag reads what String wrote.
func ParseTag(text string) (Tag, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(Tag{}) {
		return Tag{}, false
	}

	return Tag(b), true
}

// Where things stand in an id. The bits of the version and of the variant are at
// the heads of bytes 6 and 8 (RFC 9562, version 8: custom).
//
//	0..5  tag   6..7 random   8..11 random   12..15 mark
const (
	markAt  = 12
	version = 0x80
	variant = 0x80
)

// Mint makes an id for a prompt on a server. The key marks it as ours.
func Mint(key []byte, t Tag) string {
	b := make([]byte, 16)
	copy(b, t[:])
	_, _ = rand.Read(b[6:markAt])
	b[6], b[8] = b[6]&0x0f|version, b[8]&0x3f|variant
	copy(b[markAt:], mark(key, b[:markAt]))

	return write(b)
}

// Made says that an id is ours, and for which server it was made. Any of the keys
// may have marked it. Another's id passes once in four thousand million.
func Made(keys [][]byte, id string) (Tag, bool) {
	if !Canonical(id) {
		return Tag{}, false
	}

	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil {
		return Tag{}, false
	}

	for _, key := range keys {
		if hmac.Equal(b[markAt:], mark(key, b[:markAt])) {
			return Tag(b[:6]), true
		}
	}

	return Tag{}, false
}

var canonical = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Canonical says that an id is written as ComfyUI wants it.
func Canonical(id string) bool { return canonical.MatchString(id) }

func mark(key, b []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(b)

	return m.Sum(nil)[:16-markAt]
}

func write(b []byte) string {
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
