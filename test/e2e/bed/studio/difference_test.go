package studio

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A difference is what a change of the claim does to what is composed, by key.
// Hashes in keys are stars.
type difference struct {
	Added, Removed []string
	// Replaced has another object under the same key, Written another spec.
	Replaced, Written []string
}

// hash is the one at the end of a key, or of what a Usage's key says first.
var hash = regexp.MustCompile(`-[0-9a-f]{8}($|-by-)`)

func differenceOf(before, after map[string]*unstructured.Unstructured) difference {
	d := difference{}
	at := func(out *[]string, key string) { *out = append(*out, hash.ReplaceAllString(key, "-*$1")) }

	for _, k := range slices.Sorted(maps.Keys(before)) {
		switch now := after[k]; {
		case now == nil:
			at(&d.Removed, k)
		case now.GetUID() != before[k].GetUID():
			at(&d.Replaced, k)
		case now.GetGeneration() != before[k].GetGeneration():
			at(&d.Written, k)
		}
	}

	for _, k := range slices.Sorted(maps.Keys(after)) {
		if before[k] == nil {
			at(&d.Added, k)
		}
	}

	return d
}

// A step is one change of a live claim.
type step struct {
	name   string
	reason string
	spec   map[string]any
	want   difference
}

// walk changes a claim step by step. After each it waits until the claim is Ready
// and has become what is wanted, and nothing else.
func (s studio) walk(t *testing.T, steps []step) {
	t.Helper()

	for _, st := range steps {
		ok := t.Run(st.name, func(t *testing.T) {
			s := s
			s.t = t

			before := s.composed()
			s.apply(st.spec)
			s.awaitReady()

			s.await(func(*unstructured.Unstructured) error {
				diff := cmp.Diff(st.want, differenceOf(before, s.composed()), cmpopts.EquateEmpty())
				if diff != "" {
					return fmt.Errorf("%s\ncomposed resources: -want, +got:\n%s", st.reason, diff)
				}

				return nil
			})
			s.awaitReady()
			once(t, s.left())

			if diff := cmp.Diff(st.want, differenceOf(before, s.composed()), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\ncomposed resources: -want, +got:\n%s", st.reason, diff)
			}
		})
		if !ok {
			return
		}
	}
}
