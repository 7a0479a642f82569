package secret_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret/secrettest"
)

const seed = "0123456789abcdef0123456789abcdef"

// failing has parameters, and fails when it is told to.
type failing struct {
	secrettest.Source

	err error
}

func (f *failing) Parameter(ctx context.Context, name string) (string, error) {
	if f.err != nil {
		return "", f.err
	}

	return f.Source.Parameter(ctx, name)
}

// TestStore reads what the composition derives from a seed, and what it becomes.
func TestStore(t *testing.T) {
	const good = "a-token-of-enough-letters-to-be-one"

	source := &failing{Source: secrettest.Source{"door": string(secrets.Data(seed)[secrets.KeyFrontDoor]), "tokens": "ci=" + good, "client": "secret"}}
	c := config.Config{Parameters: config.Parameters{FrontDoor: "door", APITokens: "tokens", OIDCClientSecret: "client"}}

	s, err := secret.Open(t.Context(), source, func() config.Config { return c })
	if err != nil {
		t.Fatal(err)
	}

	held := s.Secrets()
	if held.Origins[0] != secrets.Origin(seed) || held.PasswordHash != secrets.PasswordHash(seed) || held.ClientSecret != "secret" || held.PasswordEpoch == "" {
		t.Errorf("what the composition derives is read as %+v", held)
	}

	holds := func(reason string, want, changes bool) {
		t.Helper()

		changed, _ := s.Reload(t.Context())
		if _, ok := s.Secrets().Tokens.Name(good); ok != want || changed != changes {
			t.Errorf("%s: the token is good: %t, something changed: %t", reason, ok, changed)
		}
	}

	holds("The same", true, false)

	source.err = errors.New("throttled")

	holds("What cannot be read stays", true, false)

	source.err = nil
	source.Source["door"] = "{"

	holds("What is no document changes nothing", true, false)

	source.Source["door"] = string(secrets.Data(seed)[secrets.KeyFrontDoor])
	delete(source.Source, "tokens")
	holds("Tokens that were taken away are gone", false, true)

	source.Source["tokens"] = "ci=" + good
	holds("And come back", true, true)

	c.Parameters.APITokens = ""

	holds("A parameter that is not named any more is not read", false, true)

	if epoch := held.PasswordEpoch; true {
		source.Source["door"] = strings.Replace(source.Source["door"], "argon2id", "argon2iX", 1)
		if _, err := s.Reload(t.Context()); err != nil || s.Secrets().PasswordEpoch == epoch {
			t.Errorf("another password has the same epoch, %v", err)
		}
	}
}

// TestOpen does not begin without what everything depends on.
func TestOpen(t *testing.T) {
	c := config.Config{Parameters: config.Parameters{FrontDoor: "door"}}

	for reason, text := range map[string]string{
		"nothing": "", "no key": `{}`, "a short key": `{"cookieKey":"c2hvcnQ="}`, "no base64": `{"cookieKey":"%"}`,
	} {
		source := secrettest.Source{}
		if text != "" {
			source["door"] = text
		}

		if _, err := secret.Open(t.Context(), source, func() config.Config { return c }); err == nil {
			t.Errorf("%s is taken", reason)
		} else if strings.Contains(err.Error(), "c2hvcnQ") {
			t.Errorf("the error tells the key: %v", err)
		}
	}
}
