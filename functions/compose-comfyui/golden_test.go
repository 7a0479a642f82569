package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestWaves compares the whole response of every run that it takes to bring a
// studio up, one file per wave. A resource that is the same as in the wave
// before is listed by its key alone, so that a file shows what the wave adds.
func TestWaves(t *testing.T) {
	all := examples(t)

	// One claim of each shape: what people read in review should be worth reading.
	for _, name := range []string{"minimal", "full", "private", "inside"} {
		claim := all[name]

		t.Run(name, func(t *testing.T) {
			w := newWorld(t, claim)

			var before *fnv1.RunFunctionResponse

			for i, rsp := range w.settle() {
				golden(t, filepath.Join("testdata", "waves", name, fmt.Sprintf("%d.yaml", i)), readable(t, rsp, before))
				before = rsp
			}
		})
	}
}

// wave is a response as a reviewer reads it.
type wave struct {
	TTL        string           `json:"ttl"`
	Results    []string         `json:"results,omitempty"`
	Ready      string           `json:"ready"`
	Conditions []string         `json:"conditions"`
	Status     any              `json:"status"`
	New        []map[string]any `json:"new,omitempty"`
	Changed    []map[string]any `json:"changed,omitempty"`
	NowReady   []string         `json:"nowReady,omitempty"`
	Same       []string         `json:"same,omitempty"`
	Gone       []string         `json:"gone,omitempty"`
}

func readable(t *testing.T, rsp, before *fnv1.RunFunctionResponse) wave {
	t.Helper()

	w := wave{
		TTL:    rsp.GetMeta().GetTtl().AsDuration().String(),
		Ready:  rsp.GetDesired().GetComposite().GetReady().String(),
		Status: rsp.GetDesired().GetComposite().GetResource().AsMap()["status"],
	}

	for _, r := range rsp.GetResults() {
		w.Results = append(w.Results, r.GetSeverity().String()+": "+r.GetMessage())
	}

	for _, c := range rsp.GetConditions() {
		w.Conditions = append(w.Conditions, strings.TrimSpace(fmt.Sprintf("%s=%s %s %s", c.GetType(),
			strings.TrimPrefix(c.GetStatus().String(), "STATUS_CONDITION_"), c.GetReason(), c.GetMessage())))
	}

	was, is := before.GetDesired().GetResources(), rsp.GetDesired().GetResources()

	for _, k := range sortedKeys(is) {
		o := is[k].GetResource().AsMap()

		switch {
		case was[k] == nil:
			w.New = append(w.New, map[string]any{k: o})
		case !reflect.DeepEqual(was[k].GetResource().AsMap(), o):
			w.Changed = append(w.Changed, map[string]any{k: o})
		default:
			w.Same = append(w.Same, k)
		}

		if is[k].GetReady() == fnv1.Ready_READY_TRUE && was[k].GetReady() != fnv1.Ready_READY_TRUE {
			w.NowReady = append(w.NowReady, k)
		}
	}

	for _, k := range sortedKeys(was) {
		if is[k] == nil {
			w.Gone = append(w.Gone, k)
		}
	}

	return w
}

func golden(t *testing.T, file string, got any) {
	t.Helper()

	b, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}

	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}

		return
	}

	want, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatalf("%v; go test ./functions/compose-comfyui -update writes it", err)
	}

	if diff := cmp.Diff(string(want), string(b)); diff != "" {
		t.Errorf("%s: -want, +got:\n%s", file, diff)
	}
}
