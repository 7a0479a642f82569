package workload

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plantest"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
)

const (
	seed  = "0123456789abcdef0123456789abcdef"
	image = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/tokyo-128572-comfyui@sha256:0f1e"
)

// others are the parts whose resources this one waits for.
var others = []string{"capacity", "cluster", "image", "network", "storage"}

// edit changes the spec of a claim.
type edit = func(s *v1alpha1.ComfyUIStudioSpec)

func newPlan(t *testing.T, edits ...edit) plan.Plan {
	t.Helper()

	base := func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Access.Login, s.Pools = v1alpha1.LoginPassword, []v1alpha1.Pool{pool("people", 1, 3)}
	}

	return plantest.InAccount(t, append([]edit{base}, edits...)...).WithRelease(plantest.Release())
}

func pool(name string, least, most int32, args ...string) v1alpha1.Pool {
	return v1alpha1.Pool{
		Name: name, InstanceTypes: []string{"g6.2xlarge"}, Purchase: v1alpha1.PurchaseOnDemand, MaxGPUs: 4,
		Servers: v1alpha1.Servers{Min: new(least), Max: most}, Args: args,
	}
}

func pools(pools ...v1alpha1.Pool) edit {
	return func(s *v1alpha1.ComfyUIStudioSpec) { s.Pools = pools }
}

func oidc(issuer string) edit {
	return func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Access.Login = v1alpha1.LoginOIDC
		s.Access.OIDC = &v1alpha1.OIDC{
			Issuer: issuer, ClientID: "studio", AllowedGroups: []string{"artists"},
			ClientSecretRef: v1alpha1.SecretKeyRef{Name: "studio-oidc", Key: "clientSecret"},
		}
	}
}

func tokens(s *v1alpha1.ComfyUIStudioSpec) {
	s.Access.APITokensSecretRef = &v1alpha1.TokensSecretRef{Name: "studio-tokens", Key: "tokens"}
}

// known are the facts of a studio that is up.
func known() facts.Facts {
	return facts.Facts{
		Image:    facts.Image{AgentMirrored: true, URI: image},
		Workload: facts.Workload{Seed: seed},
	}
}

func compose(t *testing.T, p plan.Plan, f facts.Facts, states map[kit.Key]kittest.State) kittest.Result {
	t.Helper()

	d := kit.NewDesired(p, kittest.Observe(p.Name, states))
	Compose(p, f, d)

	// What other parts add is nobody's here.
	for k := range states {
		if slices.Contains(others, plan.PartOf(k)) {
			d.RemoveAfter(k)
		}
	}

	r, err := kittest.ResultOf(d)
	if err != nil {
		t.Fatal(err)
	}

	maps.DeleteFunc(r.Leaving, func(k kit.Key, _ []kit.Key) bool { return slices.Contains(others, plan.PartOf(k)) })

	return r
}

// up observes everything that the part adds, and what it waits for, as ready.
func up(t *testing.T, p plan.Plan, f facts.Facts) map[kit.Key]kittest.State {
	t.Helper()

	states := map[kit.Key]kittest.State{}

	for range 10 {
		r := compose(t, p, f, states)

		for k, o := range r.Resources {
			if slices.Contains(others, plan.PartOf(k)) {
				continue
			}

			s := kittest.Ready()
			s.APIVersion, s.Kind = o.GetAPIVersion(), o.GetKind()
			states[k] = s
		}

		for _, keys := range r.Waiting {
			for _, k := range keys {
				if slices.Contains(others, plan.PartOf(kit.Key(k))) {
					states[kit.Key(k)] = kittest.Ready()
				}
			}
		}

		if len(r.Waiting) == 0 {
			return states
		}
	}

	t.Fatalf("the workload does not come up: %v", compose(t, p, f, states).Waiting)

	return nil
}

// in is an object of the studio's cluster as a result has it applied.
func in[T any](t *testing.T, r kittest.Result, k kit.Key) T {
	t.Helper()

	var out T

	u := r.Resources[k]
	if u == nil {
		t.Fatalf("%s is not composed: it waits for %v", k, r.Waiting[k])
	}

	manifest, _, err := unstructured.NestedMap(u.Object, "spec", "forProvider", "manifest")
	if err != nil {
		t.Fatal(err)
	}

	b, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}

	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}

	return out
}

// TestNothingSecret holds what is derived from the seed in the one Secret: it is
// in no other resource, in no form that it might be written in.
func TestNothingSecret(t *testing.T) {
	p := newPlan(t, oidc("https://login.example.com"), tokens)
	r := compose(t, p, known(), up(t, p, known()))

	for k, u := range r.Resources {
		b, err := json.Marshal(u.Object)
		if err != nil {
			t.Fatal(err)
		}

		for name, value := range secrets.Data(seed) {
			quoted, err := json.Marshal(string(value))
			if err != nil {
				t.Fatal(err)
			}

			base64, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}

			for _, form := range []string{strings.Trim(string(quoted), `"`), strings.Trim(string(base64), `"`)} {
				if found := strings.Contains(string(b), form); found && k != plan.StudioSecret {
					t.Errorf("%s holds %s", k, name)
				}
			}
		}
	}
}

// TestManifests holds what is applied to what is meant. A null or a status would
// be taken for a difference on every look, and applied for ever.
func TestManifests(t *testing.T) {
	p := newPlan(t, oidc("https://login.example.com"), tokens)

	for k, u := range compose(t, p, known(), up(t, p, known())).Resources {
		manifest, found, err := unstructured.NestedMap(u.Object, "spec", "forProvider", "manifest")
		if err != nil {
			t.Fatal(err)
		}

		if !found {
			continue
		}

		if manifest["status"] != nil || manifest["apiVersion"] == "" || manifest["kind"] == "" {
			t.Errorf("%s: is no manifest: %v", k, manifest)
		}

		if path := null("manifest", manifest); path != "" {
			t.Errorf("%s: %s is null", k, path)
		}
	}
}

func null(path string, v any) string {
	switch v := v.(type) {
	case nil:
		return path
	case map[string]any:
		for k, e := range v {
			if p := null(path+"."+k, e); p != "" {
				return p
			}
		}
	case []any:
		for _, e := range v {
			if p := null(path+"[]", e); p != "" {
				return p
			}
		}
	}

	return ""
}
