package workload

import (
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// observedSecret is the studio's Secret as Crossplane shows it.
func observedSecret() kittest.State {
	return kittest.State{APIVersion: "v1", Kind: "Secret"}
}

// observe is kittest's, with a Secret ready once it is seen.
func observe(p plan.Plan, states map[kit.Key]kittest.State) kit.Observed {
	for k, s := range states {
		s.Ready, s.Synced = kittest.Ready().Ready, kittest.Ready().Synced
		states[k] = s
	}

	return kittest.Observe(p.Name, states)
}

func decode(t *testing.T, text string) string {
	t.Helper()

	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}

	return string(b)
}

// TestSeed goes from a studio that has no seed to one that has: what needs the
// seed waits until the Secret was seen, because two runs may draw two of them.
func TestSeed(t *testing.T) {
	const drawn = "fedcba9876543210fedcba9876543210"

	type want struct {
		Seed       string
		Parameters []kit.Key
		Waiting    []string
	}

	cases := map[string]struct {
		reason   string
		workload facts.Workload
		states   map[kit.Key]kittest.State
		want     want
	}{
		"NoSeed": {
			reason: "Without a seed there is nothing to write: an empty one would make the same password for everybody.",
			want:   want{Waiting: []string{"a seed"}},
		},
		"Drawn": {
			reason:   "A seed that was drawn goes into the Secret alone.",
			workload: facts.Workload{DrawnSeed: drawn},
			want:     want{Seed: drawn},
		},
		"Observed": {
			reason:   "Then the front door's parameter may follow.",
			workload: facts.Workload{Seed: seed},
			states:   map[kit.Key]kittest.State{plan.StudioSecret: observedSecret()},
			want:     want{Seed: seed, Parameters: []kit.Key{plan.FrontDoorSecret}},
		},
		"ObservedAndDrawn": {
			reason:   "What was observed stays what it is.",
			workload: facts.Workload{Seed: seed, DrawnSeed: drawn},
			states:   map[kit.Key]kittest.State{plan.StudioSecret: observedSecret()},
			want:     want{Seed: seed, Parameters: []kit.Key{plan.FrontDoorSecret}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := known()
			f.Workload = tc.workload

			p := newPlan(t)
			d := kit.NewDesired(p, observe(p, tc.states))
			Compose(p, f, d)

			r, err := kittest.ResultOf(d)
			if err != nil {
				t.Fatal(err)
			}

			got := want{Waiting: r.Waiting[plan.StudioSecret]}

			if u := r.Resources[plan.StudioSecret]; u != nil {
				b, _, err := unstructured.NestedString(u.Object, "data", "seed")
				if err != nil {
					t.Fatal(err)
				}

				got.Seed = decode(t, b)
			}

			for _, k := range []kit.Key{plan.FrontDoorSecret, plan.FrontDoorTokens, plan.FrontDoorOIDC} {
				if r.Resources[k] != nil {
					got.Parameters = append(got.Parameters, k)
				}
			}

			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestLogin changes how people and programs log in. What carries a secret that is
// no longer used goes, and nothing else changes but what the front door is told.
func TestLogin(t *testing.T) {
	type want struct {
		Parameters []kit.Key
		Changed    []kit.Key
	}

	password, company := []edit{}, []edit{oidc("https://login.example.com"), tokens}

	cases := map[string]struct {
		reason   string
		from, to []edit
		want     want
	}{
		"ToCompany": {
			reason: "The client secret and the tokens come.",
			from:   password, to: company,
			want: want{
				Parameters: []kit.Key{plan.FrontDoorSecret, plan.FrontDoorTokens, plan.FrontDoorOIDC},
				Changed:    []kit.Key{plan.FrontDoorConfig},
			},
		},
		"ToPassword": {
			reason: "And go.",
			from:   company, to: password,
			want: want{
				Parameters: []kit.Key{plan.FrontDoorSecret},
				Changed:    []kit.Key{plan.FrontDoorConfig},
			},
		},
		"IssuerMoves": {
			reason: "An issuer on a port of its own is let out to.",
			from:   company, to: []edit{oidc("https://login.example.com:8443/realms/art"), tokens},
			want: want{
				Parameters: []kit.Key{plan.FrontDoorSecret, plan.FrontDoorTokens, plan.FrontDoorOIDC},
				Changed:    []kit.Key{plan.FrontDoorConfig, plan.FrontDoorNetworkPolicy},
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			from := newPlan(t, tc.from...)
			states := up(t, from, known())
			before, after := compose(t, from, known(), states), compose(t, newPlan(t, tc.to...), known(), states)

			got := want{}

			for _, k := range []kit.Key{plan.FrontDoorSecret, plan.FrontDoorTokens, plan.FrontDoorOIDC} {
				if after.Resources[k] != nil {
					got.Parameters = append(got.Parameters, k)
				}
			}

			for k, u := range before.Resources {
				if is := after.Resources[k]; is != nil && !cmp.Equal(u.Object, is.Object) {
					got.Changed = append(got.Changed, k)
				}
			}

			if diff := cmp.Diff(tc.want, got, cmpopts.SortSlices(func(a, b kit.Key) bool { return a < b })); diff != "" {
				t.Errorf("%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestParameter holds that a user's Secret is named and not read, and that AWS
// keeps the value encrypted.
func TestParameter(t *testing.T) {
	p := newPlan(t, tokens)
	r := compose(t, p, known(), up(t, p, known()))

	got, _, err := unstructured.NestedMap(r.Resources[plan.FrontDoorTokens].Object, "spec", "forProvider")
	if err != nil {
		t.Fatal(err)
	}

	delete(got, "tags")

	want := map[string]any{
		"region":         "ap-northeast-1",
		"description":    "Tokens of the studio's programs",
		"type":           "SecureString",
		"valueSecretRef": map[string]any{"name": "studio-tokens", "key": "tokens"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parameter: -want, +got:\n%s", diff)
	}
}
