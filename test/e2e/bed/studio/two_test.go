package studio

import (
	"fmt"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// TestTwo holds two studios of one account and region apart: they share no name
// and nothing in AWS, and when one goes nothing happens to the other.
func TestTwo(t *testing.T) {
	long(t)

	cases := map[string]struct {
		reason string
		a, b   studio
	}{
		"TwoNamespaces": {
			reason: "Claims of one name in two namespaces.",
			a:      studioIn(t, "two-art", "tokyo"),
			b:      studioIn(t, "two-film", "tokyo"),
		},
		"OneNamespace": {
			reason: "Two claims side by side.",
			a:      studioIn(t, "two-one", "tokyo"),
			b:      studioIn(t, "two-one", "tokyo2"),
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a, b := tc.a, tc.b
			a.t, b.t = t, t

			a.apply(small(nil))
			b.apply(small(nil))
			a.awaitReady()
			b.awaitReady()

			if both := common(a.traces(), b.traces()); len(both) > 0 {
				t.Errorf("%s\nboth have %v", tc.reason, both)
			}

			names, before := b.names(), b.uids()

			shared.Cloud().ResetCalls()
			a.delete()

			n := 0

			for _, c := range shared.Cloud().Calls() {
				if !names[c.Namespace+"/"+c.Name] {
					if c.Namespace == a.namespace {
						n += c.Delete
					}

					continue
				}

				if c.Create+c.Update+c.Delete > 0 {
					t.Errorf("%s\nWhile one was deleted, AWS got %d creates, %d updates and %d deletes for the other's %s %s.",
						tc.reason, c.Create, c.Update, c.Delete, c.Kind, c.Name)
				}
			}

			if n == 0 {
				t.Error("AWS was asked to delete nothing, so nothing was seen")
			}

			b.awaitReady()
			b.same(before)
			b.delete()
		})
	}
}

// names are those of the claim's composed resources, with their namespace.
func (s studio) names() map[string]bool {
	s.t.Helper()

	out := map[string]bool{}
	for _, o := range s.composed() {
		out[o.GetNamespace()+"/"+o.GetName()] = true
	}

	return out
}

// traces are all names by which the claim can be met, in Kubernetes and in AWS.
func (s studio) traces() map[string]bool {
	s.t.Helper()

	out := map[string]bool{}
	names := s.names()

	for _, o := range s.composed() {
		out[fmt.Sprintf("%s %s", o.GetKind(), o.GetName())] = true
	}

	for _, e := range shared.Cloud().Ledger().Left() {
		if names[e.Namespace+"/"+e.Name] {
			out[trace(e)] = true
		}
	}

	return out
}

func trace(e cloud.Entry) string { return fmt.Sprintf("%s with the id %s in AWS", e.Kind, e.ID) }

func common(a, b map[string]bool) []string {
	var out []string

	for k := range a {
		if b[k] {
			out = append(out, k)
		}
	}

	return out
}
