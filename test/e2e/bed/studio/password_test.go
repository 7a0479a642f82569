package studio

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// TestPassword does what docs/runbooks/password.md says: it writes another seed,
// loses the Secret, and accepts a new password. Each time people get a new one, and
// everything else stays.
func TestPassword(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(small(nil))
	s.awaitReady()

	before := s.uids()
	first := s.ownSecret()["password"]

	s.pause()

	seed := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("another seed....", 2)))
	secret := s.composed()["workload-secret"]
	s.patch(secret.GroupVersionKind(), secret.GetName(), `{"data":{"seed":"`+seed+`"}}`)
	s.setPaused("false")
	second := s.awaitPasswordBut(first)
	s.same(before)

	// Paused, for a run that is under way would write it again.
	s.pause()
	remove(t, secret.GroupVersionKind(), s.namespace, secret.GetName())
	s.setPaused("false")
	s.await(func(o *unstructured.Unstructured) error {
		if said := fmt.Sprint(conditionOf(o, "Synced")["message"]); !strings.HasSuffix(said, "see docs/runbooks/password.md") {
			return fmt.Errorf("does not name the runbook: %s", said)
		}

		return nil
	})

	s.patch(studioKind, s.name, `{"metadata":{"annotations":{"aws.comfyui-studio.io/accept-new-password":"true"}}}`)
	s.awaitPasswordBut(second)

	delete(before, "workload-secret")
	s.same(before)
	s.delete()
}

// awaitPasswordBut waits until the studio is Ready with another password.
func (s studio) awaitPasswordBut(old string) string {
	s.t.Helper()

	s.await(func(*unstructured.Unstructured) error {
		o := s.composed()["workload-secret"]
		if o == nil {
			return errors.New("has no Secret")
		}

		if now := s.ownSecret()["password"]; now == old {
			return errors.New("has the old password")
		}

		return nil
	})
	s.awaitReady()

	return s.ownSecret()["password"]
}

func (s studio) patch(gvk schema.GroupVersionKind, name, patch string) {
	s.t.Helper()

	_, err := s.claim().Client(gvk).Patch(s.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
}

// patchObject is patch, of an object that somebody has looked at.
func (s studio) patchObject(o *unstructured.Unstructured, patch string) {
	s.t.Helper()
	s.patch(o.GroupVersionKind(), o.GetName(), patch)
}
