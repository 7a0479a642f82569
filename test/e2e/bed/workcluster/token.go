package workcluster

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"sync"
	"time"
)

// maxTokenLife is how long EKS takes a token: the presigned request that it is
// holds for fifteen minutes (aws-iam-authenticator, "tokens expire after 15
// minutes").
const maxTokenLife = 15 * time.Minute

// tokenPrefix begins every token of EKS.
const tokenPrefix = "k8s-aws-v1." //nolint:gosec // It is public.

// tokens are those that were issued for one cluster.
type tokens struct {
	now func() time.Duration // simulated

	mu      sync.Mutex
	expires map[string]time.Duration
}

func newTokens(now func() time.Duration) *tokens {
	return &tokens{now: now, expires: map[string]time.Duration{}}
}

// issue makes a token that holds for so long.
func (t *tokens) issue(life time.Duration) string {
	random := make([]byte, 48)
	_, _ = rand.Read(random) // It never fails.

	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(random)

	t.mu.Lock()
	defer t.mu.Unlock()

	t.expires[token] = t.now() + life

	return token
}

// valid tells whether the header of a request has a token that still holds.
func (t *tokens) valid(authorization string) bool {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return false
	}

	t.mu.Lock()
	defer t.mu.Unlock()

	expires, issued := t.expires[token]

	return issued && t.now() < expires
}
