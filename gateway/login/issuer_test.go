package login

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// An issuer is an OpenID Connect provider that takes each code once, and only with
// the verifier that its challenge was made of.
type issuer struct {
	*httptest.Server

	mu     sync.Mutex
	signs  *ecdsa.PrivateKey
	codes  map[string]url.Values
	claims func(map[string]any)
	// asked is how often a code was exchanged.
	asked int
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	i := &issuer{signs: key, codes: map[string]url.Values{}, claims: func(map[string]any) {}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", i.token)

	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)

	return i
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")

	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// authorize is what the provider's page does: it takes the request, and sends the
// browser back with a code.
func (i *issuer) authorize(t *testing.T, location string) url.Values {
	t.Helper()

	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, i.URL+"/authorize?") {
		t.Fatalf("the login leads to %q", location)
	}

	i.mu.Lock()
	defer i.mu.Unlock()

	code := random()
	i.codes[code] = u.Query()

	return url.Values{"code": {code}, "state": {u.Query().Get("state")}}
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()

	// Encoded like a form (RFC 6749 2.3.1).
	id, secret, basic := r.BasicAuth()
	if secret, _ = url.QueryUnescape(secret); !basic {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}

	i.asked++
	asked, ok := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))

	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || id != "studio" || secret != "client secret" || asked.Get("code_challenge_method") != "S256" ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || asked.Get("redirect_uri") != r.FormValue("redirect_uri") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))

		return
	}

	now := time.Now()
	claims := map[string]any{
		"iss": i.URL, "aud": "studio", "sub": "1234", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": asked.Get("nonce"),
		"email": "alice@example.com", "email_verified": true,
	}
	i.claims(claims)

	write(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": i.sign(claims)})
}

func (i *issuer) sign(claims map[string]any) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.signs}, (&jose.SignerOptions{}).WithHeader("kid", "one"))
	if err != nil {
		panic(err)
	}

	b, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}

	o, err := s.Sign(b)
	if err != nil {
		panic(err)
	}

	text, err := o.CompactSerialize()
	if err != nil {
		panic(err)
	}

	return text
}
