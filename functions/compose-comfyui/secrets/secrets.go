// Package secrets derives everything that is secret in a studio from its one
// seed: 32 random bytes that lie in the studio's Secret and nowhere else. Each
// value has a label of its own, so none tells anything of another or of the
// seed. The same seed gives the same values, so nothing has to be remembered.
package secrets

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// SeedSize is how many bytes a seed has at least.
const SeedSize = 32

// Keys of the studio's Secret.
const (
	KeySeed         = "seed"
	KeyPassword     = "password"
	KeyPasswordHash = "password-hash"
	KeyCookieKey    = "cookie-key"
	KeyOriginSecret = "origin-secret"
	// KeyFrontDoor holds what the front door needs as one document, since what
	// carries it there takes one key.
	KeyFrontDoor = "front-door.json"
)

// readable is Crockford's base32 in small letters: no letter in it is taken for
// a digit.
var readable = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding) //nolint:gochecknoglobals // A constant that Go has no const for.

// Password is what people log in with: four groups of five, 100 bits.
func Password(seed string) string {
	const group, groups = 5, 4

	letters := readable.EncodeToString(derive(seed, "password", 13))

	parts := make([]string, 0, groups)
	for i := range groups {
		parts = append(parts, letters[i*group:(i+1)*group])
	}

	return strings.Join(parts, "-")
}

// CookieKey encrypts the sessions of the front door: 32 bytes in base64.
func CookieKey(seed string) string {
	return base64.StdEncoding.EncodeToString(derive(seed, "cookie key", 32))
}

// Origin is what CloudFront shows the front door, to tell that a request came
// through the studio's own distribution: 32 bytes in base64 that fit a header.
func Origin(seed string) string {
	return base64.RawURLEncoding.EncodeToString(derive(seed, "origin secret", 32))
}

// Data is the content of the studio's Secret.
func Data(seed string) map[string][]byte {
	return map[string][]byte{
		KeySeed:         []byte(seed),
		KeyPassword:     []byte(Password(seed)),
		KeyPasswordHash: []byte(PasswordHash(seed)),
		KeyCookieKey:    []byte(CookieKey(seed)),
		KeyOriginSecret: []byte(Origin(seed)),
		KeyFrontDoor:    frontDoor(seed),
	}
}

// ForFrontDoor is what the front door gets of the seed: what it checks people
// by, and never the password itself.
type ForFrontDoor struct {
	CookieKey    string `json:"cookieKey"`
	OriginSecret string `json:"originSecret"`
	PasswordHash string `json:"passwordHash"`
}

func frontDoor(seed string) []byte {
	b, err := json.Marshal(ForFrontDoor{CookieKey: CookieKey(seed), OriginSecret: Origin(seed), PasswordHash: PasswordHash(seed)})
	if err != nil {
		// A struct of strings always marshals.
		panic(fmt.Sprintf("cannot marshal: %v", err))
	}

	return b
}

// derive is HKDF with SHA-256. The label says what the bytes are for and in
// which way they were derived: another way needs another label.
func derive(seed, label string, size int) []byte {
	b, err := hkdf.Key(sha256.New, []byte(seed), nil, "comfyui-studio/v1 "+label, size)
	if err != nil {
		// It fails for more than 255 blocks only.
		panic(fmt.Sprintf("cannot derive the %s: %v", label, err))
	}

	return b
}
