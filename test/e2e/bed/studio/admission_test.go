package studio

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
)

// refusedMark begins a line at the top of a file of claims that holds an error.
const refusedMark = "# Refused: "

// TestAdmission applies every claim of the repository's examples and of the
// API's own cases to a real API server. It accepts or refuses each in the words
// that the file holds.
func TestAdmission(t *testing.T) {
	root, err := bed.FindRoot()
	if err != nil {
		t.Fatal(err)
	}

	s := studioIn(t, "admission", "")

	claims, err := shared.Resource(studioKind, s.namespace)
	if err != nil {
		t.Fatal(err)
	}

	folders := map[string]string{
		"Refused":  "apis/v1alpha1/testdata/refused",
		"Accepted": "apis/v1alpha1/testdata/accepted",
		"Examples": "examples",
	}

	for name, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("cannot find claims in %s: %v", folder, err)
		}

		for _, file := range files {
			t.Run(name+"/"+strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
				want, states := readClaims(t, file)
				if (name == "Refused") != (len(want) > 0) {
					t.Errorf("want errors in the files of %s and nowhere else, got %v", folders["Refused"], want)
				}

				// An example's claims stand side by side, a case's documents are states
				// of one claim.
				each := [][]*unstructured.Unstructured{states}
				if name == "Examples" {
					each = slices.Collect(slices.Chunk(states, 1))
				}

				var got []string
				for _, states := range each {
					got = append(got, admit(t, claims, s.namespace, states)...)
				}

				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("admit(%s): -want, +got:\n%s", filepath.Base(file), diff)
				}
			})
		}
	}
}

// readClaims reads a file of claims: the errors that its last document is
// refused with, and all its documents, which are states of one claim.
func readClaims(t *testing.T, file string) (refused []string, states []*unstructured.Unstructured) {
	t.Helper()

	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			break
		}

		if msg, ok := strings.CutPrefix(strings.TrimSpace(line), refusedMark); ok {
			refused = append(refused, msg)
		}
	}

	slices.Sort(refused)

	docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(b)))

	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return refused, states
		}

		if err != nil {
			t.Fatal(err)
		}

		// Through the API machinery's decoder, as kubectl does: an integer that
		// becomes a float is another type to the schema.
		js, err := yaml.YAMLToJSON(doc)
		if err != nil {
			t.Fatal(err)
		}

		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(js); err != nil {
			if bytes.Equal(bytes.TrimSpace(js), []byte("null")) {
				continue // Comments only.
			}

			t.Fatal(err)
		}

		if o.GetKind() == "Secret" {
			continue // What a claim names.
		}

		states = append(states, o)
	}
}

// admit makes a claim of the first state, gives it the others in turn, and
// returns what the API server says to the last. Nothing is composed.
func admit(t *testing.T, claims dynamic.ResourceInterface, namespace string, states []*unstructured.Unstructured) []string {
	t.Helper()

	var err error

	for i, o := range states {
		// Without the annotation every accepted claim would become a studio.
		o.SetAnnotations(map[string]string{"crossplane.io/paused": "true"})
		o.SetNamespace(namespace)

		if i == 0 {
			_, err = claims.Create(t.Context(), o, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
		} else {
			err = replace(t, claims, o)
		}

		if i == 0 && err == nil {
			defer forget(t, claims, o.GetName())
		}

		if err != nil && i < len(states)-1 {
			t.Fatalf("An earlier state is accepted.\ndocument %d: %v", i, err)
		}
	}

	return sentences(t, err)
}

// replace gives a claim its next state. The core writes to the claim, too.
func replace(t *testing.T, claims dynamic.ResourceInterface, o *unstructured.Unstructured) error {
	t.Helper()

	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		live, err := claims.Get(t.Context(), o.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}

		o.SetResourceVersion(live.GetResourceVersion())
		_, err = claims.Update(t.Context(), o, metav1.UpdateOptions{FieldValidation: metav1.FieldValidationStrict})

		return err
	})
}

// sentences are the errors that an API server refused a claim with, as kubectl
// prints them.
func sentences(t *testing.T, err error) []string {
	t.Helper()

	if err == nil {
		return nil
	}

	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		t.Fatal(err)
	}

	var out []string

	switch {
	case apierrors.IsInvalid(err):
		for _, c := range status.Status().Details.Causes {
			out = append(out, c.Field+": "+c.Message)
		}
	case apierrors.IsBadRequest(err):
		// Unknown fields are refused before anything else is looked at.
		_, unknown, _ := strings.Cut(status.Status().Message, "strict decoding error: ")
		out = strings.Split(unknown, ", ")
	default:
		t.Fatalf("want the claim to be invalid, got %v", err)
	}

	slices.Sort(out)

	return out
}

// forget removes a claim that composed nothing.
func forget(t *testing.T, claims dynamic.ResourceInterface, name string) {
	t.Helper()

	// A paused claim may have its finalizer, which nobody would take away.
	if _, err := claims.Patch(t.Context(), name, "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}

	if err := claims.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}
