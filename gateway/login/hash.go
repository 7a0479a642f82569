package login

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// Bounds of what a hash may ask for. It comes from a Secret that a user may have
// written, and with argon2's usual memory a login would end the front door.
const (
	maxMemory = 19 << 10 // KiB
	maxTime   = 4
	maxCost   = 13
	// longestPassword is bcrypt's: it does not look at what follows.
	longestPassword = 72
)

// What waits for a hash, and what is hashed at a time.
const (
	hashing = 1
	waiting = 8
)

var (
	errHash = errors.New("cannot check passwords: the hash is neither argon2id nor bcrypt, or asks for too much")
	errBusy = errors.New("too many log in at once")
)

// A hasher checks passwords, a bounded number of them at a time.
type hasher struct {
	queue, turn chan struct{}
}

func newHasher() *hasher {
	return &hasher{queue: make(chan struct{}, hashing+waiting), turn: make(chan struct{}, hashing)}
}

// check compares a password with a hash. The turn ends with the hash and not with
// who waits for it: who leaves and comes again must not have two.
func (h *hasher) check(ctx context.Context, hash, password string) (bool, error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return false, errBusy
	}

	type result struct {
		ok  bool
		err error
	}

	done := make(chan result, 1)

	go func() {
		defer func() { <-h.queue }()

		h.turn <- struct{}{}

		defer func() { <-h.turn }()

		ok, err := compare(hash, password)
		done <- result{ok, err}
	}()

	select {
	case r := <-done:
		return r.ok, r.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func compare(hash, password string) (bool, error) {
	if password == "" || len(password) > longestPassword {
		return false, nil
	}

	if strings.HasPrefix(hash, "$argon2id$") {
		return compareArgon(hash, password)
	}

	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil || cost > maxCost {
		return false, errHash
	}

	switch err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); {
	case err == nil:
		return true, nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, nil
	}

	return false, errHash
}

func compareArgon(hash, password string) (bool, error) {
	var (
		version      int
		memory, time uint32
		threads      uint8
	)

	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false, errHash
	}

	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, errHash
	}

	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil {
		return false, errHash
	}

	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	want, wantErr := base64.RawStdEncoding.DecodeString(parts[5])

	if saltErr != nil || wantErr != nil || len(want) < 16 || len(want) > 64 || len(salt) < 8 {
		return false, errHash
	}

	if memory > maxMemory || time < 1 || time > maxTime || threads < 1 || threads > 4 {
		return false, errHash
	}

	got := argon2.IDKey([]byte(password), salt, time, memory, threads, uint32(len(want))) //nolint:gosec // It was bounded above.

	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
