package whole

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/claim"
)

var (
	studioKind = claim.Kind()
	secretKind = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
)

// studio is one claim in a test.
type studio struct {
	t         *testing.T
	namespace string
	name      string
}

// in is the same studio in a part of a test.
func (s studio) in(t *testing.T) studio {
	t.Helper()

	s.t = t

	return s
}

// example applies an example, into a namespace of its own. Changes are made to
// its spec before.
func example(t *testing.T, namespace, file string, change func(spec map[string]any)) studio {
	t.Helper()

	root, err := bed.FindRoot()
	if err != nil {
		t.Fatal(err)
	}

	text, err := os.ReadFile(filepath.Join(root, "examples", file))
	if err != nil {
		t.Fatal(err)
	}

	s := studio{t: t, namespace: namespace}
	s.claim().MakeNamespace()

	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)

	for {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
			return s
		} else if err != nil {
			t.Fatal(err)
		}

		o.SetNamespace(namespace)

		if o.GetKind() == studioKind.Kind {
			s.name = o.GetName()

			if change != nil {
				change(o.Object["spec"].(map[string]any))
			}
		}

		s.must(shared.ApplyObject(t.Context(), o))
	}
}

func (s studio) must(_ *unstructured.Unstructured, err error) {
	s.t.Helper()

	if err != nil {
		s.t.Fatal(err)
	}
}

func (s studio) claim() claim.Claim {
	return claim.Claim{T: s.t, Bed: shared, Namespace: s.namespace, Name: s.name, Patience: patience}
}

// client is for the kind in the studio's namespace.
func (s studio) client(gvk schema.GroupVersionKind) dynamic.ResourceInterface {
	s.t.Helper()
	return s.claim().Client(gvk)
}

// get is the claim as it is, or nil.
func (s studio) get() *unstructured.Unstructured {
	s.t.Helper()
	return s.claim().Get()
}

// change changes the claim's spec as a person would.
func (s studio) change(change func(spec map[string]any)) {
	s.t.Helper()

	for range 20 {
		o := s.get()
		if o == nil {
			s.t.Fatal("there is no claim to change")
		}

		change(o.Object["spec"].(map[string]any))

		if _, err := s.client(studioKind).Update(s.t.Context(), o, metav1.UpdateOptions{}); err == nil {
			return
		} else if !strings.Contains(err.Error(), "the object has been modified") {
			s.t.Fatal(err)
		}
	}

	s.t.Fatal("the claim changes faster than one can write it")
}

// await waits until the claim satisfies.
func (s studio) await(satisfies func(*unstructured.Unstructured) error) {
	s.t.Helper()
	s.claim().Await(satisfies)
}

// awaitReady waits until the claim is Ready for what it says now.
func (s studio) awaitReady() {
	s.t.Helper()
	s.claim().AwaitReady()
}

// says waits until a condition has a status and its reason and message hold
// certain words.
func (s studio) says(conditionType, status string, words ...string) {
	s.t.Helper()

	s.await(func(o *unstructured.Unstructured) error {
		c := conditionOf(o, conditionType)
		if c["status"] != status {
			return fmt.Errorf("%s is %v, want %s: %v %v", conditionType, c["status"], status, c["reason"], c["message"])
		}

		said := fmt.Sprint(c["reason"], " ", c["message"])
		for _, w := range words {
			if !strings.Contains(said, w) {
				return fmt.Errorf("%s says %q, want %q in it", conditionType, said, w)
			}
		}

		return nil
	})
}

// isReady checks that the claim is Ready now.
func (s studio) isReady() {
	s.t.Helper()

	if c := conditionOf(s.get(), "Ready"); c["status"] != "True" {
		s.t.Errorf("a studio that was Ready is not: %v %v", c["reason"], c["message"])
	}
}

// composed are the claim's composed resources by key.
func (s studio) composed() map[string]*unstructured.Unstructured {
	s.t.Helper()
	return s.claim().Composed()
}

// uids are those of the claim's composed resources.
func (s studio) uids() map[string]types.UID {
	s.t.Helper()
	return s.claim().UIDs()
}

// same checks that what was there before is there still, and was not made anew.
func (s studio) same(before map[string]types.UID) {
	s.t.Helper()
	s.claim().Same(before)
}

func conditionOf(o *unstructured.Unstructured, conditionType string) map[string]any {
	return claim.Condition(o, conditionType)
}

// pause lets simulated time pass.
func pause(t *testing.T, d time.Duration) {
	t.Helper()

	if err := shared.Cloud().Clock().Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}
