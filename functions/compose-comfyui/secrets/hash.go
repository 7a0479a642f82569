package secrets

import (
	"encoding/base64"
	"fmt"
	"sync"

	"golang.org/x/crypto/argon2"
)

// Argon2id as OWASP's password storage cheat sheet has it for 12 MiB. The front
// door has little memory, and logins that come at once must not exhaust it; the
// password itself has 100 bits.
const (
	hashMemory  = 12 << 10 // KiB
	hashTime    = 3
	hashThreads = 1
	hashSize    = 32
	saltSize    = 16
)

// PasswordHash is what the front door checks a password against, in the format
// of argon2's reference. The salt is derived too: a random one would change the
// Secret on every run.
func PasswordHash(seed string) string {
	return hashes.get(seed, hash)
}

func hash(seed string) string {
	salt := derive(seed, "password salt", saltSize)
	key := argon2.IDKey([]byte(Password(seed)), salt, hashTime, hashMemory, hashThreads, hashSize)
	enc := base64.RawStdEncoding.EncodeToString

	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads, enc(salt), enc(key))
}

// hashes keeps what was hashed: a hash is slow on purpose, and every run of every
// studio needs one.
var hashes = memory{} //nolint:gochecknoglobals // It holds results of a pure function, so sharing it changes none.

// memory remembers the results of a pure function.
type memory struct {
	mu    sync.Mutex
	known map[string]string
}

// limit bounds a memory: far more studios than one function serves.
const limit = 1024

func (m *memory) get(key string, of func(string) string) string {
	m.mu.Lock()
	v, ok := m.known[key]
	m.mu.Unlock()

	if ok {
		return v
	}

	// Outside of the lock: two studios hash at the same time.
	v = of(key)

	m.mu.Lock()
	defer m.mu.Unlock()

	if m.known == nil || len(m.known) >= limit {
		m.known = map[string]string{}
	}

	m.known[key] = v

	return v
}
