package studio

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
)

// gates is what one resource waits for, as the function's own tests write it
// down.
type gates struct {
	Key   string   `json:"key"`
	After []string `json:"after"`
	Needs []string `json:"needs"`
}

func declaredGates(t *testing.T, claim string) []gates {
	t.Helper()

	root, err := bed.FindRoot()
	if err != nil {
		t.Fatal(err)
	}

	b, err := os.ReadFile(filepath.Join(root, "functions", "compose-comfyui", "testdata", "gates", claim+".yaml"))
	if err != nil {
		t.Fatal(err)
	}

	var out []gates
	if err := yaml.UnmarshalStrict(b, &out); err != nil {
		t.Fatal(err)
	}

	return out
}

// moment is one run of the function, reduced to what gates speak of.
type moment struct {
	ready   map[string]bool
	values  map[string]bool
	desired map[string]bool
}

// moments are the runs of a studio, oldest first.
func moments(t *testing.T, runs []wire.Run) []moment {
	t.Helper()

	out := make([]moment, 0, len(runs))

	for _, r := range runs {
		req, err := r.Request()
		if err != nil {
			t.Fatal(err)
		}

		rsp, err := r.Response()
		if err != nil {
			t.Fatal(err)
		}

		out = append(out, momentOf(req, rsp))
	}

	return out
}

func momentOf(req *fnv1.RunFunctionRequest, rsp *fnv1.RunFunctionResponse) moment {
	m := moment{ready: map[string]bool{}, values: map[string]bool{}, desired: map[string]bool{}}

	for k, r := range req.GetObserved().GetResources() {
		o := r.GetResource().AsMap()
		m.ready[k] = o["kind"] == "ProviderConfig" || isReady(o)

		at := nested(o, "status", "atProvider")
		if arn, _ := at["arn"].(string); arn != "" && o["kind"] != "Subnet" {
			m.values["the account id"] = true
		}

		if v, _ := at["version"].(string); v != "" && o["kind"] == "Cluster" {
			m.values["the cluster's version"] = true
		}
	}

	for k := range rsp.GetDesired().GetResources() {
		m.desired[k] = true
	}

	return m
}

// isReady is the rule of readiness, written a second time on purpose: a Ready
// condition that is True, and no condition of an older generation.
func isReady(o map[string]any) bool {
	generation, _ := nested(o, "metadata")["generation"].(float64)
	conditions, _ := nested(o, "status")["conditions"].([]any)
	ready := false

	for _, c := range conditions {
		m := c.(map[string]any)
		if m["type"] != "Ready" && m["type"] != "Synced" {
			continue
		}

		if seen, ok := m["observedGeneration"].(float64); ok && seen < generation {
			return false
		}

		if m["type"] == "Ready" {
			ready = m["status"] == "True"
		}
	}

	return ready
}

func nested(o map[string]any, path ...string) map[string]any {
	for _, p := range path {
		o, _ = o[p].(map[string]any)
	}

	return o
}

// open says whether a resource's gates are all open.
func (m moment) open(g gates) bool {
	for _, k := range g.After {
		if !m.ready[k] {
			return false
		}
	}

	for _, v := range g.Needs {
		if !m.values[v] {
			return false
		}
	}

	return true
}

// early are the resources that were composed in a run that saw one of their
// gates closed, with the gate.
func early(declared []gates, all []moment) []string {
	var out []string

	for _, g := range declared {
		i := slices.IndexFunc(all, func(m moment) bool { return m.desired[g.Key] })
		if i >= 0 && !all[i].open(g) {
			out = append(out, fmt.Sprintf("%s was composed in run %d, before %v", g.Key, i, g.After))
		}
	}

	return out
}

// late are the resources that were not composed in the first run that saw all
// their gates open.
func late(declared []gates, all []moment) []string {
	var out []string

	for _, g := range declared {
		i := slices.IndexFunc(all, func(m moment) bool { return m.open(g) })
		if i >= 0 && !all[i].desired[g.Key] {
			out = append(out, fmt.Sprintf("%s was not composed in run %d, where %v were ready", g.Key, i, g.After))
		}
	}

	return out
}

// maxRunsPerWave bounds how often the function runs between one resource
// becoming ready and the next: twice for each would still be a loop.
const maxRunsPerWave = 2

// maxGeneration bounds how often a resource's spec is written while a studio
// comes up, and so the events that it sends.
const maxGeneration = 4

// TestEachAtItsTime holds a live studio to its gates: nothing is composed before
// they are open, everything in the very run that sees them open. It knows no
// clock, so it holds at any speed.
func TestEachAtItsTime(t *testing.T) {
	s := newStudio(t)
	s.apply(nil)
	s.awaitReady()

	declared := declaredGates(t, "minimal")
	all := moments(t, shared.Wire().RunsOf(s.namespace, s.name))

	for _, e := range append(early(declared, all), late(declared, all)...) {
		t.Error(e)
	}

	last := all[len(all)-1]
	for _, g := range declared {
		if !last.desired[g.Key] {
			t.Errorf("%s was never composed", g.Key)
		}
	}

	// Runs beyond what resources becoming ready explain would be a loop of our
	// own making.
	if n, limit := len(all), maxRunsPerWave*len(declared); n > limit {
		t.Errorf("the function ran %d times for %d resources, want at most %d", n, len(declared), limit)
	}

	// A spec is written by the function, by references that are resolved and by
	// what the provider late-initialises. More would be two writers at odds.
	for k, o := range s.composed() {
		if g := o.GetGeneration(); g > maxGeneration {
			t.Errorf("the spec of %s was written %d times, want at most %d", k, g, maxGeneration)
		}
	}

	t.Logf("%d runs for %d resources", len(all), len(declared))
}

// batch is how many studios come up side by side.
const batch = 5

// TestEveryGateIsNeeded takes away one gate after another: a resource is kept
// from becoming ready, and the function is told that it is, so what waits for it
// comes too early. Each time TestEachAtItsTime must see it.
func TestEveryGateIsNeeded(t *testing.T) {
	declared := declaredGates(t, "minimal")
	sources := map[string]bool{}

	for _, g := range declared {
		for _, k := range g.After {
			sources[k] = true
		}
	}

	for keys := range slices.Chunk(slices.Sorted(maps.Keys(sources)), batch) {
		studios := map[string]studio{}

		for _, key := range keys {
			s := studioIn(t, "gate-"+key, "tokyo")
			studios[key] = s

			plant(t, fmt.Sprintf("namespace=%s,name=tokyo-*-%s,operation=status,mode=freeze", s.namespace, key))
			t.Cleanup(pretend(s.namespace, key))
			s.apply(nil)
		}

		for _, key := range keys {
			t.Run(key, func(t *testing.T) {
				s := studios[key]
				s.t = t
				s.await(s.composesEarly(declared))
			})

			studios[key].discard()
		}

		mend()
	}
}

// composesEarly is satisfied when a run composed something before its gates.
func (s studio) composesEarly(declared []gates) func(*unstructured.Unstructured) error {
	seen := 0
	closed := errors.New("everything waits for its gates although one is gone")

	return func(*unstructured.Unstructured) error {
		runs := shared.Wire().RunsOf(s.namespace, s.name)
		if len(runs) == seen {
			return closed
		}

		seen = len(runs)

		if len(early(declared, moments(s.t, runs))) == 0 {
			return closed
		}

		return nil
	}
}

// pretend shows the function a resource as ready as soon as it exists.
func pretend(namespace, key string) (stop func()) {
	return shared.Wire().Use(tamper(namespace, func(req *fnv1.RunFunctionRequest) {
		r := req.GetObserved().GetResources()[key]
		if r != nil && !isReady(r.GetResource().AsMap()) {
			setReady(r.GetResource(), "True")
		}
	}))
}
