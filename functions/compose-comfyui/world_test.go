package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/crossplane/function-sdk-go/logging"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/resource"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/admission"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/offline"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const account = offline.Account

// world is the smallest Crossplane and AWS that a scenario can be told in: what
// the function desires comes to be, and is observed on the next run.
type world struct {
	t        testing.TB
	claim    map[string]any
	observed map[string]map[string]any
	// hold keeps resources from becoming ready.
	hold func(key string) bool
}

func newWorld(t testing.TB, claim map[string]any) *world {
	t.Helper()

	return &world{t: t, claim: claim, observed: map[string]map[string]any{}}
}

func newFunction() *Function {
	return &Function{log: logging.NewNopLogger(), metrics: newMetrics(prometheus.NewRegistry()), parts: parts(), release: testRelease(), random: testRandom()}
}

// testRelease stands for a studio-agent that is published.
func testRelease() plan.Release {
	return plan.Release{
		Image:              "ghcr.io/comfyui-studio/studio-agent",
		Digest:             "sha256:" + strings.Repeat("a1", 32),
		NodeDaemonSHA256:   strings.Repeat("b2", 32),
		LambdaSHA256:       strings.Repeat("c3", 32),
		ModelFetcherSHA256: strings.Repeat("d4", 32),
	}
}

// request is what Crossplane would send now.
func (w *world) request() *fnv1.RunFunctionRequest {
	w.t.Helper()

	req := &fnv1.RunFunctionRequest{
		Meta:     &fnv1.RequestMeta{Tag: "scenario"},
		Observed: &fnv1.State{Composite: &fnv1.Resource{Resource: toStruct(w.t, w.claim)}, Resources: map[string]*fnv1.Resource{}},
	}
	for k, o := range w.observed {
		req.Observed.Resources[k] = &fnv1.Resource{Resource: toStruct(w.t, o)}
	}

	return req
}

func (w *world) run() *fnv1.RunFunctionResponse {
	w.t.Helper()

	rsp, err := newFunction().RunFunction(context.Background(), w.request())
	if err != nil {
		w.t.Fatalf("RunFunction(...): unexpected transport error: %v", err)
	}

	return rsp
}

// apply makes what a response desires: everything observed that it leaves out
// goes, everything in it becomes ready.
func (w *world) apply(rsp *fnv1.RunFunctionResponse) {
	w.t.Helper()

	if f := fatal(rsp); f != "" {
		w.t.Fatalf("cannot apply a fatal response: %s", f)
	}

	if s := rsp.GetDesired().GetComposite().GetResource().AsMap()["status"]; s != nil {
		w.claim["status"] = s
	}

	desired := rsp.GetDesired().GetResources()

	for k := range w.observed {
		if desired[k] == nil {
			delete(w.observed, k)
		}
	}

	for k, r := range desired {
		o := r.GetResource().AsMap()
		status := map[string]any{"conditions": []any{map[string]any{"type": "Synced", "status": "True"}}}

		if w.hold == nil || !w.hold(k) {
			status = map[string]any{
				"atProvider": offline.AtProvider(k, o, testRelease()),
				"conditions": []any{
					map[string]any{"type": "Ready", "status": "True", "reason": "Available"},
					map[string]any{"type": "Synced", "status": "True", "reason": "ReconcileSuccess"},
				},
			}
		}

		o["status"] = status
		w.observed[k] = o
	}
}

// settle runs until nothing new is desired, and returns every response.
func (w *world) settle() []*fnv1.RunFunctionResponse {
	w.t.Helper()

	var out []*fnv1.RunFunctionResponse

	for range 20 {
		rsp := w.run()
		out = append(out, rsp)

		if len(out) > 1 && proto.Equal(rsp, out[len(out)-2]) {
			return out[:len(out)-1]
		}

		w.apply(rsp)
	}

	w.t.Fatal("the studio does not settle within 20 runs")

	return nil
}

// examples are the claims in examples/ and those in testdata/claims, which hold
// what no example shows, as an API server would hand them on.
func examples(t testing.TB) map[string]map[string]any {
	t.Helper()

	out := map[string]map[string]any{}

	for _, dir := range []string{"../../examples", "testdata/claims"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("cannot find claims in %s: %v", dir, err)
		}

		for _, f := range files {
			claims := loadClaims(t, f)
			for _, c := range claims {
				name := strings.TrimSuffix(filepath.Base(f), ".yaml")
				if len(claims) > 1 {
					name += "-" + c["metadata"].(map[string]any)["name"].(string)
				}

				out[name] = c
			}
		}
	}

	return out
}

func loadClaim(t testing.TB, file string) map[string]any {
	t.Helper()

	return loadClaims(t, file)[0]
}

func loadClaims(t testing.TB, file string) []map[string]any {
	t.Helper()

	var out []map[string]any

	adm, err := definition()
	if err != nil {
		t.Fatal(err)
	}

	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}

	// An example may hold more than the claim, such as a Secret that it names.
	for doc := range strings.SplitSeq(string(b), "\n---\n") {
		j, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		u := parse(t, j)

		if u.GetKind() != "ComfyUIStudio" {
			continue
		}

		if errs := adm.Create(u); len(errs) > 0 {
			t.Fatalf("%s: %v", file, errs.ToAggregate())
		}

		out = append(out, adm.Default(u).Object)
	}

	if len(out) == 0 {
		t.Fatalf("%s: holds no ComfyUIStudio", file)
	}

	return out
}

// definition is what an API server makes of the definition. Compiling its rules
// takes most of a second.
var definition = sync.OnceValues(func() (*admission.Admission, error) {
	b, err := os.ReadFile("../../apis/comfyuistudios/definition.yaml")
	if err != nil {
		return nil, err
	}

	return admission.New(b)
})

// parse reads JSON as an API server does: whole numbers stay whole.
func parse(t testing.TB, j []byte) *unstructured.Unstructured {
	t.Helper()

	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(j); err != nil {
		t.Fatal(err)
	}

	return u
}

func fatal(rsp *fnv1.RunFunctionResponse) string {
	for _, r := range rsp.GetResults() {
		if r.GetSeverity() == fnv1.Severity_SEVERITY_FATAL {
			return r.GetMessage()
		}
	}

	return ""
}

func toStruct(t testing.TB, o map[string]any) *structpb.Struct {
	t.Helper()

	s, err := resource.AsStruct(&unstructured.Unstructured{Object: o})
	if err != nil {
		t.Fatal(err)
	}

	return s
}

func copyOf(t testing.TB, o map[string]any) map[string]any {
	t.Helper()

	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}

	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}

	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}

	sort.Strings(out)

	return out
}

// setIn writes a field of a claim.
func setIn(t testing.TB, o map[string]any, value any, path ...string) {
	t.Helper()

	if err := unstructured.SetNestedField(o, value, path...); err != nil {
		t.Fatal(err)
	}
}
