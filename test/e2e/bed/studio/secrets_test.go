package studio

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// TestSecretsStayInSecrets plants values in the Secrets that a claim names, and
// looks for them, and for the studio's own, wherever people and programs can read:
// every object of the management cluster that is no Secret, events among them, the
// logs of function, core and provider, and AWS's ledger.
func TestSecretsStayInSecrets(t *testing.T) {
	long(t)

	s := newStudio(t)
	planted := map[string]string{
		"an API token":           "planted-api-token-0123456789abcdef0123456789",
		"the OIDC client secret": "planted-client-secret-0123456789abcdef",
		"a model's token":        "planted-hugging-face-token-0123456789",
	}
	s.secret("tokens", map[string]any{"tokens": "render-farm=" + planted["an API token"]})
	s.secret("oidc", map[string]any{"clientSecret": planted["the OIDC client secret"]})
	s.secret("gated", map[string]any{"token": planted["a model's token"]})

	gated := aModel("checkpoints/gated.safetensors")
	gated["tokenSecretRef"] = map[string]any{"name": "gated", "key": "token"}

	const issuer = "https://login.example.com/realms/planted"

	s.apply(withImage(map[string]any{
		"models": map[string]any{"files": []any{gated}},
		"access": map[string]any{"login": "OIDC", "oidc": map[string]any{
			"issuer": issuer, "clientID": "studio", "clientSecretRef": map[string]any{"name": "oidc", "key": "clientSecret"},
			"allowedGroups": []any{"studio"},
		}, "apiTokensSecretRef": map[string]any{"name": "tokens"}},
	}))
	s.awaitReady()

	for key, value := range s.ownSecret() {
		planted["the studio's "+key] = value
	}

	texts := s.readable()

	// The search finds what is there to be found.
	if where := search(texts, issuer); len(where) < 2 {
		t.Errorf("the issuer is found in %v, want it in the claim and in what is composed", where)
	}

	for what, value := range planted {
		for _, form := range []string{value, base64.StdEncoding.EncodeToString([]byte(value))} {
			if where := search(texts, form); len(where) > 0 {
				t.Errorf("%s is found in %v", what, where)
			}
		}
	}

	s.delete()
}

// ownSecret is what the studio's Secret holds that nobody else may know. The word
// by which the front door knows CloudFront is in the distribution by its nature.
func (s studio) ownSecret() map[string]string {
	s.t.Helper()

	o := s.composed()["workload-secret"]
	if o == nil {
		s.t.Fatal("the studio has no Secret")
	}

	data, _, _ := unstructured.NestedStringMap(o.Object, "data")
	out := map[string]string{}

	for _, key := range []string{"seed", "password"} {
		value, err := base64.StdEncoding.DecodeString(data[key])
		if err != nil || len(value) < 8 {
			s.t.Fatalf("the studio's Secret has no %s: %v", key, err)
		}

		out[key] = string(value)
	}

	return out
}

// readable are all texts that are no Secrets, by where they are.
func (s studio) readable() map[string]string {
	s.t.Helper()

	out := map[string]string{}

	lists, err := discovery.NewDiscoveryClientForConfigOrDie(shared.Config()).ServerPreferredResources()
	if err != nil {
		s.t.Fatal(err)
	}

	for _, list := range lists {
		for _, r := range list.APIResources {
			if r.Kind == "Secret" || !strings.Contains(fmt.Sprint(r.Verbs), "list") {
				continue
			}

			gv, err := schema.ParseGroupVersion(list.GroupVersion)
			if err != nil {
				s.t.Fatal(err)
			}

			all, err := shared.Client().Resource(gv.WithResource(r.Name)).List(s.t.Context(), metav1.ListOptions{})
			if err != nil {
				s.t.Fatalf("cannot list %s: %v", r.Name, err)
			}

			for _, o := range all.Items {
				// Kinds and names alone are not one object's: every studio here is called tokyo.
				out[strings.Join([]string{list.GroupVersion, r.Kind, o.GetNamespace(), o.GetName()}, " ")] = s.text(o.Object)
			}
		}
	}

	logs, err := filepath.Glob(filepath.Join(shared.LogDir(), "*.log"))
	if err != nil || len(logs) == 0 {
		s.t.Fatalf("cannot find the logs: %v", err)
	}

	for _, file := range logs {
		b, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}

		out[filepath.Base(file)] = string(b)
	}

	out["the ledger"] = s.text(shared.Cloud().Ledger())

	return out
}

func (s studio) text(v any) string {
	s.t.Helper()

	b, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}

	return string(b)
}

func search(texts map[string]string, needle string) []string {
	var out []string

	for where, text := range texts {
		if strings.Contains(text, needle) {
			out = append(out, where)
		}
	}

	return out
}
