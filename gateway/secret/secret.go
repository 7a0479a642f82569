// Package secret holds what the front door knows people, programs and CloudFront
// by. It lies in encrypted parameters, which are read again and again: nobody
// tells of a change there. What cannot be read stays what it was.
package secret

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/cookie"
	"github.com/comfyui-studio/comfyui-studio/gateway/token"
)

// A Source has parameters.
type Source interface {
	// Parameter is the value of a parameter. It may be missing: ErrMissing.
	Parameter(ctx context.Context, name string) (string, error)
}

// ErrMissing is of a parameter that is not there.
var ErrMissing = errors.New("there is no such parameter")

// Secrets are what holds at one time.
type Secrets struct {
	Cookies *cookie.Keys
	// Peers signs what front doors tell each other.
	Peers []byte
	// Marks signs the ids that we give to prompts; the first key signs.
	Marks [][]byte
	// Origins are what CloudFront shows.
	Origins []string
	// PasswordHash is empty where nobody logs in by password.
	PasswordHash string
	// PasswordEpoch changes with the password, and tells nothing of it.
	PasswordEpoch string
	Tokens        token.Set
	ClientSecret  string
}

// document is the front door's parameter. What is older or newer than the present
// value is good as well, and seals nothing.
type document struct {
	CookieKey       string   `json:"cookieKey"`
	OtherCookieKeys []string `json:"otherCookieKeys,omitempty"`
	OriginSecret    string   `json:"originSecret"`
	OtherOrigins    []string `json:"otherOriginSecrets,omitempty"`
	PasswordHash    string   `json:"passwordHash"`
}

// A Store is what was read last.
type Store struct {
	source Source
	config func() config.Config
	held   atomic.Pointer[Secrets]
	mu     sync.Mutex
	texts  [3]string
}

// Open reads everything once. It fails without the front door's own parameter.
func Open(ctx context.Context, source Source, c func() config.Config) (*Store, error) {
	s := &Store{source: source, config: c}
	if _, err := s.Reload(ctx); s.held.Load() == nil {
		return nil, err
	}

	return s, nil
}

// Secrets are what holds now.
func (s *Store) Secrets() Secrets { return *s.held.Load() }

// Watch reads every interval until the context ends.
func (s *Store) Watch(ctx context.Context, interval time.Duration, log *slog.Logger) {
	tick := time.NewTicker(interval)
	defer tick.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}

		changed, err := s.Reload(ctx)
		if err != nil {
			log.Error("not every secret could be read", "error", err)
		}

		if changed {
			log.Info("secrets changed")
		}
	}
}

// Reload reads the parameters, and says whether one changed. A parameter of tokens
// that is gone has none: whoever takes it away means that.
func (s *Store) Reload(ctx context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	p, errs, texts := s.config().Parameters, []error(nil), s.texts

	for i, name := range []string{p.FrontDoor, p.APITokens, p.OIDCClientSecret} {
		if name == "" {
			texts[i] = ""
			continue
		}

		switch text, err := s.source.Parameter(ctx, name); {
		case errors.Is(err, ErrMissing) && i != 0:
			texts[i] = ""
		case err != nil:
			errs = append(errs, fmt.Errorf("cannot read the parameter %s: %w", name, err))
		default:
			texts[i] = text
		}
	}

	if s.held.Load() != nil && texts == s.texts {
		return false, errors.Join(errs...)
	}

	next, err := read(texts)
	if next == nil {
		return false, errors.Join(append(errs, err)...)
	}

	s.texts = texts
	s.held.Store(next)

	return true, errors.Join(append(errs, err)...)
}

func read(texts [3]string) (*Secrets, error) {
	var d document
	if err := json.Unmarshal([]byte(texts[0]), &d); err != nil {
		// The error of json shows what it read.
		return nil, errors.New("cannot read the front door's parameter: it is no JSON")
	}

	out := &Secrets{PasswordHash: d.PasswordHash, ClientSecret: texts[2]}

	for _, text := range append([]string{d.CookieKey}, d.OtherCookieKeys...) {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errors.New("cannot read the front door's parameter: a cookie key is no base64")
		}

		out.Marks = append(out.Marks, key)
	}

	keys, err := cookie.New(out.Marks[0], out.Marks[1:]...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the front door's parameter: %w", err)
	}

	for i, key := range out.Marks {
		out.Marks[i] = derive(key, "prompt ids")
	}

	out.Cookies, out.Peers = keys, derive(out.Marks[0], "peers")

	for _, o := range append([]string{d.OriginSecret}, d.OtherOrigins...) {
		if o != "" {
			out.Origins = append(out.Origins, o)
		}
	}

	if d.PasswordHash != "" {
		out.PasswordEpoch = hex.EncodeToString(derive([]byte(d.PasswordHash), "epoch")[:8])
	}

	out.Tokens, err = token.Parse(texts[1])

	return out, err
}

func derive(key []byte, label string) []byte {
	b := sha256.Sum256(append([]byte("comfyui-studio/front-door v1 "+label+"\x00"), key...))
	return b[:]
}
