// Package cookie seals what the front door remembers into browsers' cookies, so
// that its replicas share no store. A sealed text is encrypted, says when it ends,
// and opens for one purpose only: each purpose has a key of its own.
package cookie

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A Purpose is what a sealed text is for. None opens as another.
type Purpose string

// The purposes there are.
const (
	// Session says who somebody is.
	Session Purpose = "session"
	// Pin says which server somebody works on.
	Pin Purpose = "pin"
	// Login holds what a login began with.
	Login Purpose = "login"
	// Device says that somebody logged in with this browser before.
	Device Purpose = "device"
)

const (
	// KeySize is how many bytes a key has at least.
	KeySize = 32
	// longest bounds what is looked at: browsers drop longer cookies.
	longest = 4096
	// skew is how far replicas' clocks may be apart.
	skew = 5 * time.Minute
)

// ErrNotOurs is of a text that is forged, damaged, expired, or for another purpose.
var ErrNotOurs = errors.New("not sealed by us for this, or expired")

// Keys seal with the first key and open with each, so that a key can be changed
// while people stay logged in: add the new one to all replicas, then have it seal,
// then drop the old one when its cookies have expired.
type Keys struct {
	all map[Purpose][]key
}

type key struct {
	id        string
	secret    []byte
	encrypter jose.Encrypter
}

// New takes the key that seals, and those that open as well.
func New(seals []byte, opens ...[]byte) (*Keys, error) {
	k := &Keys{all: map[Purpose][]key{}}

	for _, purpose := range []Purpose{Session, Pin, Login, Device} {
		for _, raw := range append([][]byte{seals}, opens...) {
			one, err := derive(raw, purpose)
			if err != nil {
				return nil, err
			}

			k.all[purpose] = append(k.all[purpose], one)
		}
	}

	return k, nil
}

func derive(raw []byte, purpose Purpose) (key, error) {
	if len(raw) < KeySize {
		return key{}, fmt.Errorf("cannot use a cookie key of %d bytes: it needs %d", len(raw), KeySize)
	}

	b, err := hkdf.Key(sha256.New, raw, nil, "comfyui-studio/front-door v1 "+string(purpose), KeySize+8)
	if err != nil {
		return key{}, fmt.Errorf("cannot derive the key for %s: %w", purpose, err)
	}

	out := key{id: hex.EncodeToString(b[KeySize:]), secret: b[:KeySize]}

	out.encrypter, err = jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: out.secret, KeyID: out.id}, nil)
	if err != nil {
		return key{}, fmt.Errorf("cannot use the key for %s: %w", purpose, err)
	}

	return out, nil
}

// content is what is inside of a sealed text.
type content struct {
	Purpose Purpose         `json:"p"`
	Issued  int64           `json:"iat"`
	Expires int64           `json:"exp"`
	Body    json.RawMessage `json:"b"`
}

// Seal encrypts a value that is good for a while.
func (k *Keys) Seal(purpose Purpose, v any, now time.Time, lasts time.Duration) (string, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("cannot marshal a %s: %w", purpose, err)
	}

	b, err := json.Marshal(content{Purpose: purpose, Issued: now.Unix(), Expires: now.Add(lasts).Unix(), Body: body})
	if err != nil {
		return "", fmt.Errorf("cannot marshal a %s: %w", purpose, err)
	}

	sealed, err := k.all[purpose][0].encrypter.Encrypt(b)
	if err != nil {
		return "", fmt.Errorf("cannot seal a %s: %w", purpose, err)
	}

	return sealed.CompactSerialize()
}

// Open reads what Seal made, and when it was made. Whatever is wrong with the
// text, the error is ErrNotOurs: who asks has no cookie, and nothing else follows
// from it.
func (k *Keys) Open(purpose Purpose, text string, now time.Time, v any) (time.Time, error) {
	if len(text) > longest {
		return time.Time{}, ErrNotOurs
	}

	// Without the lists a text could choose how it is checked.
	sealed, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return time.Time{}, ErrNotOurs
	}

	for _, one := range k.all[purpose] {
		if one.id != sealed.Header.KeyID {
			continue
		}

		b, err := sealed.Decrypt(one.secret)
		if err != nil {
			return time.Time{}, ErrNotOurs
		}

		return read(b, purpose, now, v)
	}

	return time.Time{}, ErrNotOurs
}

func read(b []byte, purpose Purpose, now time.Time, v any) (time.Time, error) {
	var c content
	if err := json.Unmarshal(b, &c); err != nil || c.Purpose != purpose {
		return time.Time{}, ErrNotOurs
	}

	issued, expires := time.Unix(c.Issued, 0), time.Unix(c.Expires, 0)
	if !now.Before(expires) || issued.After(now.Add(skew)) {
		return time.Time{}, ErrNotOurs
	}

	if json.Unmarshal(c.Body, v) != nil {
		return time.Time{}, ErrNotOurs
	}

	return issued, nil
}
