// Package token knows programs by their tokens. Only hashes of tokens are kept: a
// token is random and long, so a fast hash does not make it easier to guess.
package token

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// Shortest is how long a token is at least: 128 bits in base64.
const Shortest = 22

// hashed begins a line that holds a token's hash instead of the token.
const hashed = "sha256:"

// A Set is the tokens that are good.
type Set struct {
	tokens []named
}

type named struct {
	name string
	hash [sha256.Size]byte
}

// Parse reads one token a line, as name=token or name=sha256:hash in hexadecimal.
// Empty lines and lines that begin with # are left out. The set holds what could
// be read, also when there is an error: one bad line must not shut out all.
func Parse(text string) (Set, error) {
	var (
		out Set
		bad []string
	)

	seen := map[string]bool{}
	lines := bufio.NewScanner(strings.NewReader(text))

	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}

		one, why := parse(line)
		if why == "" && seen[one.name] {
			why = "has the name of another"
		}

		if why != "" {
			bad = append(bad, fmt.Sprintf("line %d %s", n, why))
			continue
		}

		seen[one.name] = true
		out.tokens = append(out.tokens, one)
	}

	if err := lines.Err(); err != nil {
		bad = append(bad, err.Error())
	}

	if len(bad) > 0 {
		return out, fmt.Errorf("cannot use every API token: %s", strings.Join(bad, "; "))
	}

	return out, nil
}

// parse never tells what a line holds, only what is wrong with it.
func parse(line string) (named, string) {
	name, value, ok := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)

	if !ok || !printable(name) {
		return named{}, "is not name=token"
	}

	if text, ok := strings.CutPrefix(value, hashed); ok {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != sha256.Size {
			return named{}, "has a hash that is none"
		}

		return named{name, [sha256.Size]byte(b)}, ""
	}

	if len(value) < Shortest {
		return named{}, fmt.Sprintf("has a token of less than %d characters", Shortest)
	}

	return named{name, sha256.Sum256([]byte(value))}, ""
}

// printable is what can stand in a log as it is.
func printable(name string) bool {
	for _, r := range name {
		if r <= ' ' || r > '~' {
			return false
		}
	}

	return name != "" && len(name) <= 64
}

// Name is whose a token is. All are compared, so that the time tells nothing.
func (s Set) Name(text string) (string, bool) {
	got, name, found := sha256.Sum256([]byte(text)), "", 0

	for _, t := range s.tokens {
		same := subtle.ConstantTimeCompare(got[:], t.hash[:])
		if same == 1 {
			name = t.name
		}

		found |= same
	}

	return name, found == 1
}

// Shown is the token that a request carries. A request with several carries none.
func Shown(r *http.Request) (string, bool) {
	lines := r.Header.Values("Authorization")
	if len(lines) != 1 {
		return "", len(lines) > 0
	}

	scheme, text, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true
	}

	return strings.TrimSpace(text), true
}
