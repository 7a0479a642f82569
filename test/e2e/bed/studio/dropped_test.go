package studio

import (
	"errors"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/claim"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// TestDropped takes CloudFront away while AWS does not get done with that. What
// leaves is out of the function's sight by then (docs/adr/0007): AWS holds what is
// in use, and the claim is as live as ever.
func TestDropped(t *testing.T) {
	long(t)

	s := newStudio(t)
	t.Cleanup(mend)
	s.apply(withImage(nil))
	s.awaitReady()

	had := s.composed()
	distribution, origin := had["edge-distribution"], had[s.keyOf("edge-vpc-origin")]
	tags := map[string]any{"tags": map[string]any{"team": "art"}}

	plant(t, "namespace="+s.namespace+",kind=Distribution,operation=delete,mode=never")
	s.apply(small(nil))

	t.Run("HeldByAWS", func(t *testing.T) {
		s := s
		s.t = t

		s.await(func(*unstructured.Unstructured) error {
			if all := s.composed(); all["edge-distribution"] != nil || all[s.keyOf("edge-vpc-origin")] != nil {
				return errors.New("is still to ask for them to go")
			}

			return nil
		})
		s.claim().AwaitObject(origin.GroupVersionKind(), origin.GetName(), func(o *unstructured.Unstructured) error {
			if o == nil {
				t.Fatal("AWS has a distribution on the VPC origin, which is gone")
			}

			if c := conditionOf(o, "Synced"); c["status"] != "False" {
				return fmt.Errorf("AWS has not refused to delete it: %v", c)
			}

			return nil
		})
	})

	t.Run("LiveMeanwhile", func(t *testing.T) {
		s.changed(t, small(tags), everyTag("team", "art"))
		s.holds(t, distribution, cloud.StateDeleting)
		s.holds(t, origin, cloud.StateActive)
	})

	t.Run("WantedAgain", func(t *testing.T) {
		s := s
		s.t = t

		s.apply(withImage(tags))
		s.await(func(o *unstructured.Unstructured) error {
			if c := conditionOf(o, "EdgeReady"); c["status"] != "False" {
				return fmt.Errorf("EdgeReady is %v while the older distribution goes", c)
			}

			return nil
		})
		s.holds(t, distribution, cloud.StateDeleting)

		mend()
		s.awaitReady()
		once(t, s.left())

		now := s.composed()
		for _, o := range []*unstructured.Unstructured{distribution, origin} {
			k := o.GetAnnotations()[claim.KeyAnnotation]
			if now[k] == nil || now[k].GetUID() == o.GetUID() {
				t.Errorf("%s was not made anew", k)
			}
		}
	})

	s.delete()
}

// holds checks what AWS has of an object.
func (s studio) holds(t *testing.T, o *unstructured.Unstructured, want cloud.State) {
	t.Helper()

	got := cloud.StateGone

	for _, e := range s.left() {
		if e.Name == o.GetName() && e.Kind == o.GetKind() {
			got = e.State
		}
	}

	if got != want {
		t.Errorf("%s %s is %s in AWS, want %s", o.GetKind(), o.GetName(), got, want)
	}
}
