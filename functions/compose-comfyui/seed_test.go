package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
)

// testSeed is what every test's function draws, so that golden files hold still.
var testSeed = strings.Repeat("seed", secrets.SeedSize/4)

func testRandom() io.Reader { return strings.NewReader(testSeed) }

// runWith is one run with a function of its own randomness.
func runWith(t *testing.T, w *world, random io.Reader) *fnv1.RunFunctionResponse {
	t.Helper()

	f := newFunction()
	f.random = random

	rsp, err := f.RunFunction(context.Background(), w.request())
	if err != nil {
		t.Fatalf("RunFunction(...): unexpected transport error: %v", err)
	}

	return rsp
}

func secretData(t *testing.T, rsp *fnv1.RunFunctionResponse, key string) string {
	t.Helper()

	data, _ := rsp.GetDesired().GetResources()["workload-secret"].GetResource().AsMap()["data"].(map[string]any)
	text, _ := data[key].(string)

	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}

	return string(b)
}

// TestSeedDrawn holds that a password is drawn and not made from the claim, and
// that it is drawn once.
func TestSeedDrawn(t *testing.T) {
	one, two := strings.NewReader(strings.Repeat("1", 32)), strings.NewReader(strings.Repeat("2", 32))
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))

	a, b := runWith(t, w, one), runWith(t, w, two)
	if p := secretData(t, a, secrets.KeyPassword); p == "" || p == secretData(t, b, secrets.KeyPassword) {
		t.Errorf("Two claims that are the same in every letter have two passwords, not %q twice.", p)
	}

	w.apply(a)

	// Now that it was seen, nothing is drawn any more.
	again := runWith(t, w, iotest.ErrReader(errors.New("nobody shall draw")))
	if diff := cmp.Diff(secretData(t, a, secrets.KeySeed), secretData(t, again, secrets.KeySeed)); diff != "" || fatal(again) != "" {
		t.Errorf("A seed that was seen stays: %s\nRunFunction(...): -before, +after:\n%s", fatal(again), diff)
	}
}

// TestSeedLost loses a studio's Secret, whatever people log in with. Nothing is
// touched until somebody says what shall be.
func TestSeedLost(t *testing.T) {
	const want = "Secret art/tokyo-128572-workload-secret is gone, and the studio's password and sessions come from it; " +
		"restore it, or accept a new password with kubectl -n art annotate comfyuistudio tokyo aws.comfyui-studio.io/accept-new-password=true, see docs/runbooks/password.md"

	for _, login := range []string{"Password", "OIDC"} {
		t.Run(login, func(t *testing.T) {
			claim := loadClaim(t, "testdata/claims/single.yaml")
			if login == "OIDC" {
				setIn(t, claim, login, "spec", "access", "login")
				setIn(t, claim, map[string]any{
					"issuer": "https://login.example.com", "clientID": "studio", "allowedGroups": []any{"artists"},
					"clientSecretRef": map[string]any{"name": "studio-oidc", "key": "clientSecret"},
				}, "spec", "access", "oidc")
			}

			w := newWorld(t, claim)
			w.settle()

			before := w.run()
			delete(w.observed, "workload-secret")

			if diff := cmp.Diff(want, fatal(w.run())); diff != "" {
				t.Errorf("A Secret that is gone is not replaced.\nRunFunction(...): -want, +got:\n%s", diff)
			}

			setIn(t, w.claim, map[string]any{acceptNewPassword: "true"}, "metadata", "annotations")

			after := runWith(t, w, strings.NewReader(strings.Repeat("n", 32)))
			if p := secretData(t, after, secrets.KeyPassword); fatal(after) != "" || p == "" || p == secretData(t, before, secrets.KeyPassword) {
				t.Errorf("When people accept it there is a new one: %s, password %q", fatal(after), p)
			}

			for _, k := range sortedKeys(w.observed) {
				if after.GetDesired().GetResources()[k] == nil && !strings.HasPrefix(k, "usage-") {
					t.Errorf("%s leaves with the password", k)
				}
			}
		})
	}
}

func TestNoRandomness(t *testing.T) {
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))

	want := "cannot draw a seed for the studio's password: broken"
	if got := fatal(runWith(t, w, iotest.ErrReader(errors.New("broken")))); got != want {
		t.Errorf("A password without randomness would be anybody's.\nRunFunction(...): want %q, got %q", want, got)
	}
}

// TestSecretsStay looks for everything that comes from the seed in everything
// that a run says. It is in the studio's Secret, and CloudFront's one word is in
// the distribution that says it.
func TestSecretsStay(t *testing.T) {
	everyWave(t, func(t *testing.T, _ *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()

		said := map[string]any{
			"status": rsp.GetDesired().GetComposite().GetResource().AsMap(),
		}
		for k, r := range rsp.GetDesired().GetResources() {
			said[k] = r.GetResource().AsMap()
		}

		delete(said, "workload-secret")

		for name, value := range secrets.Data(testSeed) {
			for _, form := range []string{string(value), base64.StdEncoding.EncodeToString(value)} {
				for k, v := range said {
					if holds(v, form) && (k != "edge-distribution" || name != secrets.KeyOriginSecret) {
						t.Errorf("%s holds %s", k, name)
					}
				}

				for _, c := range rsp.GetConditions() {
					if strings.Contains(c.GetMessage(), form) {
						t.Errorf("condition %s holds %s", c.GetType(), name)
					}
				}

				for _, r := range rsp.GetResults() {
					if strings.Contains(r.GetMessage(), form) {
						t.Errorf("a result holds %s", name)
					}
				}
			}
		}
	})
}

// holds looks for text in every string, and in every name of a field.
func holds(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, text)
	case map[string]any:
		for k, e := range v {
			if strings.Contains(k, text) || holds(e, text) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if holds(e, text) {
				return true
			}
		}
	}

	return false
}

// TestSeedInNoLog runs with everything logged, and with a failure.
func TestSeedInNoLog(t *testing.T) {
	var out bytes.Buffer

	f := newFunction()
	f.log = textLogger{&out}

	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))
	for range 6 {
		rsp, err := f.RunFunction(context.Background(), w.request())
		if err != nil {
			t.Fatal(err)
		}

		w.apply(rsp)

		f.random = testRandom()
	}

	delete(w.observed, "workload-secret")

	if _, err := f.RunFunction(context.Background(), w.request()); err != nil {
		t.Fatal(err)
	}

	if out.Len() == 0 {
		t.Fatal("nothing was logged")
	}

	for name, value := range secrets.Data(testSeed) {
		if strings.Contains(out.String(), string(value)) || strings.Contains(out.String(), base64.StdEncoding.EncodeToString(value)) {
			t.Errorf("the log holds %s", name)
		}
	}
}

// textLogger writes down everything.
type textLogger struct{ out *bytes.Buffer }

func (l textLogger) Info(msg string, kv ...any) {
	_, _ = fmt.Fprintln(l.out, append([]any{msg}, kv...)...)
}
func (l textLogger) Debug(msg string, kv ...any)      { l.Info(msg, kv...) }
func (l textLogger) WithValues(...any) logging.Logger { return l }

func TestLoginSecret(t *testing.T) {
	w := newWorld(t, loadClaim(t, "testdata/claims/single.yaml"))

	first := w.run()
	if got := loginSecretRef(first); got != nil {
		t.Errorf("A Secret that nobody has seen yet is not named.\nloginSecretRef: got %v", got)
	}

	w.apply(first)

	if diff := cmp.Diff(map[string]any{"name": "tokyo-128572-workload-secret"}, loginSecretRef(w.run())); diff != "" {
		t.Errorf("loginSecretRef: -want, +got:\n%s", diff)
	}
}

func loginSecretRef(rsp *fnv1.RunFunctionResponse) any {
	status, _ := rsp.GetDesired().GetComposite().GetResource().AsMap()["status"].(map[string]any)
	return status["loginSecretRef"]
}
