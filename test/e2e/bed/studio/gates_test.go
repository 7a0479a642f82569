package studio

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
)

func declaredGates(t *testing.T, claim string) []gate.Gate {
	t.Helper()

	root, err := bed.FindRoot()
	if err != nil {
		t.Fatal(err)
	}

	out, err := gate.Read(root, claim)
	if err != nil {
		t.Fatal(err)
	}

	return out
}

// zonesOfMinimal is how many zones a studio in Tokyo has that names none.
const zonesOfMinimal = 3

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
	for _, v := range gate.Always() {
		m.values[v] = true
	}

	subnets := 0

	for k, r := range req.GetObserved().GetResources() {
		o := r.GetResource().AsMap()
		m.ready[gate.Family(k)] = gate.Ready(o)

		for _, v := range gate.Values(k, o) {
			if v == gate.PrivateSubnets {
				subnets++
			}

			m.values[v] = v != gate.PrivateSubnets || subnets == zonesOfMinimal
		}
	}

	for k := range rsp.GetDesired().GetResources() {
		m.desired[gate.Family(k)] = true
	}

	return m
}

func nested(o map[string]any, path ...string) map[string]any {
	for _, p := range path {
		o, _ = o[p].(map[string]any)
	}

	return o
}

// open says whether a resource's gates are all open.
func (m moment) open(g gate.Gate) bool { return len(m.closed(g)) == 0 }

// closed are the gates of a resource that are not open.
func (m moment) closed(g gate.Gate) []string {
	var out []string

	for _, k := range g.After {
		if !m.ready[k] {
			out = append(out, k)
		}
	}

	for _, v := range g.Needs {
		if !m.values[v] {
			out = append(out, v)
		}
	}

	return out
}

// early are the resources that were composed in a run that saw one of their
// gates closed, with the gates.
func early(declared []gate.Gate, all []moment) []string {
	var out []string

	for _, p := range premature(declared, all) {
		out = append(out, fmt.Sprintf("%s was composed in run %d, before %v", p.key, p.run, p.before))
	}

	return out
}

// A prematurity is a resource that was composed before its gates were open.
type prematurity struct {
	key    string
	run    int
	before []string
}

func premature(declared []gate.Gate, all []moment) []prematurity {
	var out []prematurity

	for _, g := range declared {
		i := slices.IndexFunc(all, func(m moment) bool { return m.desired[g.Key] })
		if i < 0 {
			continue
		}

		if closed := all[i].closed(g); len(closed) > 0 {
			out = append(out, prematurity{g.Key, i, closed})
		}
	}

	return out
}

// late are the resources that were not composed in the first run that saw all
// their gates open.
func late(declared []gate.Gate, all []moment) []string {
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

// writes bounds how often a resource's spec is written while a studio comes up,
// and so the events that it sends: by the function, by the provider's tags, by its
// references and by its late initialisation. The provider resolves several
// references of one list in the order of the ids that AWS made, and the function
// puts back its own, once: the provider does not touch what is resolved.
func writes(o *unstructured.Unstructured) int64 {
	const most = 4

	fields, _, _ := unstructured.NestedMap(o.Object, "spec", "forProvider")
	for name, v := range fields {
		if refs, ok := v.([]any); ok && strings.HasSuffix(name, "Refs") && len(refs) > 1 {
			return most + 1
		}
	}

	return most
}

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

	// More would be two writers at odds.
	for k, o := range s.composed() {
		if g, most := o.GetGeneration(), writes(o); g > most {
			t.Errorf("the spec of %s was written %d times, want at most %d", k, g, most)
		}
	}

	t.Logf("%d runs for %d resources", len(all), len(declared))
}

// TestEveryGateIsNeeded takes all gates away: every resource is kept from becoming
// ready, and the function is told that it is as soon as it exists. What waits for
// it then comes too early, and for each gate TestEachAtItsTime must see that.
func TestEveryGateIsNeeded(t *testing.T) {
	declared := declaredGates(t, "minimal")
	want := map[string]bool{}

	for _, g := range declared {
		for _, k := range g.After {
			if !strings.HasPrefix(k, "cluster-provider-") && k != "workload-secret" {
				want[k] = true
			}
		}
	}

	s := newStudio(t)
	plant(t, "namespace="+s.namespace+",operation=status,mode=freeze")
	t.Cleanup(mend)
	t.Cleanup(pretend(s.namespace))
	s.apply(nil)

	seen := 0

	s.await(func(*unstructured.Unstructured) error {
		runs := shared.Wire().RunsOf(s.namespace, s.name)
		if len(runs) == seen {
			return fmt.Errorf("everything waits for its gates although these are gone: %v", slices.Sorted(maps.Keys(want)))
		}

		seen = len(runs)

		for _, p := range premature(declared, moments(t, runs)) {
			for _, k := range p.before {
				delete(want, k)
			}
		}

		if len(want) > 0 {
			return fmt.Errorf("everything waits for its gates although these are gone: %v", slices.Sorted(maps.Keys(want)))
		}

		return nil
	})

	mend()
	s.discard()
}

// pretend shows the function every resource as ready as soon as it exists.
func pretend(namespace string) (stop func()) {
	return shared.Wire().Use(tamper(namespace, func(req *fnv1.RunFunctionRequest) {
		for _, r := range req.GetObserved().GetResources() {
			if o := r.GetResource().AsMap(); !gate.Ready(o) {
				setReady(r.GetResource(), "True")
			}
		}
	}))
}
