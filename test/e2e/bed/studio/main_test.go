package studio

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/claim"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// scale is fast: AWS's twenty minutes pass in ten seconds, and what is left is
// the machine's own speed. BED_SCALE is for who wants to measure.
const scale = 120

// patience bounds a wait. It is far above what anything takes.
const patience = 8 * time.Minute

// shared is the bed that every test of the package runs on.
var shared *bed.Bed

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	root, err := bed.FindRoot()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	o := bed.Options{Root: root, Scale: scale, Record: true}
	if at := os.Getenv("BED_SCALE"); at != "" {
		if o.Scale, err = strconv.ParseFloat(at, 64); err != nil {
			fmt.Fprintln(os.Stderr, "cannot read BED_SCALE:", err)
			return 1
		}
	}

	shared, err = bed.Start(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	defer func() {
		if err := shared.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()

	return m.Run()
}

var (
	studioKind    = claim.Kind()
	namespaceKind = claim.NamespaceKind()
)

// studio is one claim in a test.
type studio struct {
	t         *testing.T
	namespace string
	name      string
}

// newStudio makes a namespace for a claim called tokyo.
func newStudio(t *testing.T) studio {
	t.Helper()

	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	name = strings.TrimPrefix(name, "test")

	return studioIn(t, name[:min(len(name), 50)], "tokyo")
}

func studioIn(t *testing.T, namespace, name string) studio {
	t.Helper()

	s := studio{t: t, namespace: namespace, name: name}
	s.claim().MakeNamespace()
	t.Cleanup(s.leave)

	return s
}

func (s studio) claim() claim.Claim {
	return claim.Claim{T: s.t, Bed: shared, Namespace: s.namespace, Name: s.name, Patience: patience}
}

// leave deletes the claim, if it is there, without waiting: the provider looks at
// what is left all the time, and the tests that follow would wait for that.
func (s studio) leave() {
	r, err := shared.Resource(studioKind, s.namespace)
	if err != nil || s.name == "" {
		return
	}

	background := metav1.DeletePropagationBackground
	_ = r.Delete(context.Background(), s.name, metav1.DeleteOptions{PropagationPolicy: &background})
}

// apply applies the claim with the given spec beside its region.
func (s studio) apply(spec map[string]any) {
	s.t.Helper()

	if err := s.claim().Apply(spec); err != nil {
		s.t.Fatal(err)
	}
}

// get is the claim as it is, or nil.
func (s studio) get() *unstructured.Unstructured {
	s.t.Helper()
	return s.claim().Get()
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

// awaitNotReady waits until the claim says that it is not Ready.
func (s studio) awaitNotReady() {
	s.t.Helper()

	s.await(func(o *unstructured.Unstructured) error {
		if c := conditionOf(o, "Ready"); c["status"] != "False" {
			return fmt.Errorf("Ready is %v", c["status"])
		}

		return nil
	})
}

// delete deletes the claim as kubectl does by default, and waits until neither
// it nor anything composed is left in the API server.
func (s studio) delete() {
	s.t.Helper()

	s.takesAll(metav1.DeletePropagationBackground)
}

// composed are the claim's composed resources by key.
func (s studio) composed() map[string]*unstructured.Unstructured {
	s.t.Helper()
	return s.claim().Composed()
}

// left is what exists in AWS of the claim's namespace.
func (s studio) left() []cloud.Entry { return s.claim().Left() }

// calls are the calls to AWS on behalf of the claim's namespace.
func (s studio) calls() []cloud.CallCount {
	var out []cloud.CallCount

	for _, c := range shared.Cloud().Calls() {
		if c.Namespace == s.namespace {
			out = append(out, c)
		}
	}

	return out
}

func gone(o *unstructured.Unstructured) error { return claim.Gone(o) }

func conditionOf(o *unstructured.Unstructured, conditionType string) map[string]any {
	return claim.Condition(o, conditionType)
}
