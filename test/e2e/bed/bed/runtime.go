package bed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/packages"
)

const functionRevision = "FunctionRevision"

// runtimePause is between two looks at the revisions.
const runtimePause = 200 * time.Millisecond

// playRuntime plays the package runtime, which with External is not the core's: for
// each active revision it has the certificate that Deployments get, and runs the
// program of a function's image. The providers' stand-ins have none.
func (b *Bed) playRuntime(ctx context.Context) {
	seen := map[string]bool{}
	running := ""

	for ctx.Err() == nil {
		for _, kind := range []string{"ProviderRevision", functionRevision} {
			if err := b.serveRevisions(ctx, kind, seen, &running); err != nil && ctx.Err() == nil {
				b.logf("package runtime: %v", err)
			}
		}

		select {
		case <-ctx.Done():
		case <-time.After(runtimePause):
		}
	}
}

// serveRevisions serves those of a kind that are new.
func (b *Bed) serveRevisions(ctx context.Context, kind string, seen map[string]bool, running *string) error {
	r, err := b.Resource(packageKind(kind), "")
	if err != nil {
		return err
	}

	list, err := r.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("cannot list revisions: %w", err)
	}

	for _, revision := range list.Items {
		state, _, _ := unstructured.NestedString(revision.Object, "spec", "desiredState")
		image, _, _ := unstructured.NestedString(revision.Object, "status", "resolvedImage")

		// Without an image the core has not looked at it yet.
		if state != "Active" || image == "" {
			continue
		}

		if kind == functionRevision && *running != image {
			if err := b.runFunction(ctx, image); err != nil {
				return fmt.Errorf("cannot run %s: %w", revision.GetName(), err)
			}

			*running = image
		}

		if seen[string(revision.GetUID())] {
			continue
		}

		if err := b.tellHealthy(ctx, &revision); err != nil {
			return err
		}

		seen[string(revision.GetUID())] = true
	}

	return nil
}

// aHealthyRevision is what the core waits for in a revision's status.
const aHealthyRevision = `
apiVersion: pkg.crossplane.io/v1
kind: %s
metadata:
  name: %s
status:
  tlsServerSecretName: ` + serverSecret + `
  conditions:
  - type: RuntimeHealthy
    status: "True"
    reason: HealthyPackageRevision
    lastTransitionTime: %s
`

// tellHealthy says of a revision that its program runs, and of a function's where.
func (b *Bed) tellHealthy(ctx context.Context, revision *unstructured.Unstructured) error {
	manifest := fmt.Sprintf(aHealthyRevision, revision.GetKind(), revision.GetName(), time.Now().UTC().Format(time.RFC3339))
	if revision.GetKind() == functionRevision {
		manifest += "  endpoint: dns:///" + b.functionEndpoint() + "\n"
	}

	objs, err := decode([]byte(manifest))
	if err != nil {
		return err
	}

	r, err := b.Resource(revision.GroupVersionKind(), "")
	if err != nil {
		return err
	}

	if _, err := r.ApplyStatus(ctx, revision.GetName(), objs[0], metav1.ApplyOptions{FieldManager: Manager, Force: true}); err != nil {
		return fmt.Errorf("cannot say that %s runs: %w", revision.GetName(), err)
	}

	return nil
}

// runFunction runs the program of a function's image, in place of another one.
func (b *Bed) runFunction(ctx context.Context, image string) error {
	program, err := packages.Program(ctx, image)
	if err != nil {
		return err
	}

	path := filepath.Join(b.o.Dir, "function")
	if err := b.KillFunction(); err != nil {
		return err
	}

	// Whoever still runs the one before keeps it: it is another file.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot unpack the function: %w", err)
	}

	if err := os.WriteFile(path, program, 0o700); err != nil {
		return fmt.Errorf("cannot unpack the function: %w", err)
	}

	b.mu.Lock()
	b.o.FunctionBinary = path
	b.mu.Unlock()

	if b.proxy == nil {
		return b.startFunction(ctx)
	}

	return b.StartFunction(ctx)
}
