package login

import (
	"errors"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestCompare(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}

	cases := map[string]struct {
		reason   string
		hash     string
		password string
		want     bool
		wrong    bool
	}{
		"Bcrypt":    {reason: "A user may have hashed it.", hash: string(hash), password: "secret", want: true},
		"Argon":     {reason: "So the reference hashes it (phc-winner-argon2, src/test.c).", hash: "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", password: "password", want: true},
		"ArgonNot":  {reason: "Another is another.", hash: "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", password: "Password"},
		"Wrong":     {reason: "Another is another.", hash: string(hash), password: "Secret"},
		"Empty":     {reason: "Nothing is no password.", hash: string(hash)},
		"Long":      {reason: "bcrypt does not look at what follows 72 bytes.", hash: string(hash), password: string(make([]byte, 73))},
		"NoHash":    {reason: "Without a hash nobody is let in.", password: "secret", wrong: true},
		"Plain":     {reason: "A password is no hash.", hash: "secret", password: "secret", wrong: true},
		"Memory":    {reason: "A hash that asks for a gigabyte ends us.", hash: "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", password: "secret", wrong: true},
		"Time":      {reason: "Or for minutes.", hash: "$argon2id$v=19$m=64,t=4000000,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", password: "secret", wrong: true},
		"EmptyHash": {reason: "A hash of nothing is the same for all.", hash: "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$", password: "secret", wrong: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := compare(tc.hash, tc.password)
			if got != tc.want || (err != nil) != tc.wrong {
				t.Errorf("%s\ncompare(...): got %t, %v", tc.reason, got, err)
			}
		})
	}
}

// TestCrowd has more people log in at once than there is room for.
func TestCrowd(t *testing.T) {
	h := newHasher()
	// The turn is taken, so all wait.
	h.turn <- struct{}{}

	results := make(chan error, hashing+waiting)

	var wg sync.WaitGroup
	for range hashing + waiting {
		wg.Go(func() {
			_, err := h.check(t.Context(), "none", "secret")
			results <- err
		})
	}

	for len(h.queue) < cap(h.queue) {
		runtime.Gosched()
	}

	if _, err := h.check(t.Context(), "none", "secret"); !errors.Is(err, errBusy) {
		t.Errorf("one more than there is room for: want errBusy, got %v", err)
	}

	<-h.turn
	wg.Wait()
	close(results)

	for err := range results {
		if !errors.Is(err, errHash) {
			t.Errorf("one who waited: %v", err)
		}
	}
}
