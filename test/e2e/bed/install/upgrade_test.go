package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/claim"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/packages"
)

const (
	scale    = 120
	patience = 8 * time.Minute
	// next is a version after the one that make bed-build gives.
	next = "v0.0.1"
	// novelty is a field of the spec that only the next version has.
	novelty = "nextVersionsField"
)

// TestUpgrade installs the packages, brings a studio up, publishes another version
// of both and upgrades: the Configuration first, which must not work and not harm,
// then the function, then all is there. Nothing of the studio may be made anew.
func TestUpgrade(t *testing.T) {
	root, err := bed.FindRoot()
	if err != nil {
		t.Fatal(err)
	}

	b, err := bed.Start(t.Context(), bed.Options{Root: root, Scale: scale, Packages: filepath.Join(root, "_output", "bed-packages"), Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := errors.Join(b.Err(), b.Stop()); err != nil {
			t.Error(err)
		}
	})

	c := claim.Claim{T: t, Bed: b, Namespace: "art", Name: "tokyo", Patience: patience}
	c.MakeNamespace()

	if err := c.Apply(nil); err != nil {
		t.Fatal(err)
	}

	c.AwaitReady()

	uids, entries, revision := c.UIDs(), made(b), compositionRevision(c.Get())
	configuration, function := publishNext(t, b, root)

	// Nothing upgrades a function because a Configuration asks for it.
	upgrade(t, b, "Configuration", "comfyui-studio", configuration)
	await(t, b, "Configuration", "comfyui-studio", func(o *unstructured.Unstructured) error {
		if err := bed.HasCondition("Healthy")(o); err == nil || !strings.Contains(err.Error(), "incompatible dependencies") {
			return fmt.Errorf("want it to name its incompatible dependencies, got %w", err)
		}

		return nil
	})
	c.AwaitReady()
	c.Same(uids)

	upgrade(t, b, "Function", "comfyui-studio-compose-comfyui", function)

	if err := b.AwaitPackages(t.Context()); err != nil {
		t.Fatal(err)
	}

	awaitField(t, b)
	// The revision is part of the spec, so Ready means: composed by it.
	c.Await(func(o *unstructured.Unstructured) error {
		if got := compositionRevision(o); got == "" || got == revision {
			return fmt.Errorf("is composed by the revision before, %q", got)
		}

		return claim.Ready(o)
	})

	c.Same(uids)

	if diff := cmp.Diff(entries, made(b)); diff != "" {
		t.Errorf("what AWS has of the studio: -before, +after:\n%s", diff)
	}

	running(t, b, function)
}

// publishNext makes the next version, with another function and one more field in
// the spec, and publishes it.
func publishNext(t *testing.T, b *bed.Bed, root string) (configuration, function string) {
	t.Helper()

	source, out, program := t.TempDir(), filepath.Join(t.TempDir(), "packages"), filepath.Join(t.TempDir(), "compose-comfyui")
	for _, dir := range []string{"package", "apis/comfyuistudios"} {
		if err := os.CopyFS(filepath.Join(source, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			t.Fatal(err)
		}
	}

	apis := filepath.Join(source, "apis", "comfyuistudios")
	// One more field, and a Composition that is another revision.
	replace(t, filepath.Join(apis, "definition.yaml"), "              region:\n", "              "+novelty+":\n                type: string\n              region:\n")
	replace(t, filepath.Join(apis, "composition.yaml"), "step: compose-comfyui\n", "step: compose-next\n")
	another(t, program, filepath.Join(b.Dir(), "function"))

	tool := filepath.Join(t.TempDir(), "xpkg")
	run(t, root, "go", "build", "-o", tool, "./hack/xpkg")
	run(t, source, tool, "--version="+next, "--function="+program, "--out="+out)

	added, err := b.Publish(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}

	for _, p := range added {
		if strings.HasSuffix(p.Repository, "/configuration") {
			configuration = reference(p)
		} else {
			function = reference(p)
		}
	}

	return configuration, function
}

func reference(p packages.Package) string { return p.Repository + ":" + p.Version }

// replace changes the one place in a file that has some text.
func replace(t *testing.T, file, before, after string) {
	t.Helper()

	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	text := string(b)
	if n := strings.Count(text, before); n != 1 {
		t.Fatalf("cannot change %s: %d of its places read %q", file, n, before)
	}

	if err := os.WriteFile(file, []byte(strings.Replace(text, before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// another is the function that runs once more, as another program: what follows a program in
// its file is nothing to it.
func another(t *testing.T, to, from string) {
	t.Helper()

	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()

	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}

	_, err = io.Copy(out, io.MultiReader(in, strings.NewReader(next)))
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()

	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir

	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func kind(of string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "pkg.crossplane.io", Version: "v1", Kind: of}
}

// upgrade names another version of a package, as kubectl patch would.
func upgrade(t *testing.T, b *bed.Bed, of, name, to string) {
	t.Helper()

	r, err := b.Resource(kind(of), "")
	if err != nil {
		t.Fatal(err)
	}

	patch := fmt.Appendf(nil, `{"spec":{"package":%q}}`, to)
	if _, err := r.Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl"}); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, b *bed.Bed, of, name string, satisfies func(*unstructured.Unstructured) error) {
	t.Helper()

	if err := b.Await(t.Context(), kind(of), "", name, patience, satisfies); err != nil {
		t.Fatal(err)
	}
}

// awaitField waits until the API server knows the next version's field.
func awaitField(t *testing.T, b *bed.Bed) {
	t.Helper()

	crd := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}

	err := b.Await(t.Context(), crd, "", "comfyuistudios.aws.comfyui-studio.io", patience, func(o *unstructured.Unstructured) error {
		if !strings.Contains(fmt.Sprint(o), novelty) {
			return errors.New("the API server does not know the field yet")
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func compositionRevision(o *unstructured.Unstructured) string {
	name, _, _ := unstructured.NestedString(o.Object, "spec", "crossplane", "compositionRevisionRef", "name")

	return name
}

// made is what AWS has, and had, by what owns it, and whether it is gone.
func made(b *bed.Bed) map[string]bool {
	out := map[string]bool{}

	for _, e := range b.Cloud().Ledger().Entries {
		out[e.Kind+" "+e.Name+" "+e.ID] = e.State == cloud.StateGone
	}

	return out
}

// running checks that the function that runs is that of a package.
func running(t *testing.T, b *bed.Bed, function string) {
	t.Helper()

	r, err := b.Resource(kind("FunctionRevision"), "")
	if err != nil {
		t.Fatal(err)
	}

	list, err := r.List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}

	active := []string{}

	for _, revision := range list.Items {
		if state, _, _ := unstructured.NestedString(revision.Object, "spec", "desiredState"); state == "Active" {
			image, _, _ := unstructured.NestedString(revision.Object, "spec", "image")
			active = append(active, image)
		}
	}

	if diff := cmp.Diff([]string{function}, active); diff != "" || len(list.Items) != 2 {
		t.Errorf("active of %d function revisions: -want, +got:\n%s", len(list.Items), diff)
	}
}
