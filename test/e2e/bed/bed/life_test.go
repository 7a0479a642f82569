package bed

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
)

// TestLife takes one bed through what tests do to it. Each part leaves the bed
// as it was.
func TestLife(t *testing.T) {
	b := start(t)

	t.Run("Compose", func(t *testing.T) {
		makeToy(t, b, "ball", "red")
		makeToy(t, b, "ball", "blue")

		runs := b.Wire().RunsOf("default", "ball")
		if len(runs) < 2 {
			t.Fatalf("RunsOf(default, ball): want at least 2 runs, got %d", len(runs))
		}

		rsp, err := runs[len(runs)-1].Response()
		if err != nil {
			t.Fatal(err)
		}

		if _, ok := rsp.GetDesired().GetResources()["box"]; !ok {
			t.Errorf("Response(): want the box among the desired resources, got %v", rsp)
		}

		deleteToy(t, b, "ball")
	})

	t.Run("Tamper", func(t *testing.T) {
		remove := b.Wire().Use(func(context.Context, *fnv1.RunFunctionRequest, wire.Next) (*fnv1.RunFunctionResponse, error) {
			return nil, status.Error(codes.Internal, "planted")
		})
		applyToy(t, b, "kite", "red")

		err := b.Await(t.Context(), toyKind(), "default", "kite", 10*time.Second, func(o *unstructured.Unstructured) error {
			if err := HasCondition("Synced")(o); err == nil || !strings.Contains(err.Error(), "planted") {
				return fmt.Errorf("want the planted error, got %w", asError(err))
			}

			return nil
		})
		if err != nil {
			t.Error(err)
		}

		remove()
		makeToy(t, b, "kite", "green")
		deleteToy(t, b, "kite")
	})

	t.Run("FunctionRestart", func(t *testing.T) {
		if err := b.KillFunction(); err != nil {
			t.Fatal(err)
		}

		applyToy(t, b, "doll", "red")
		time.Sleep(time.Second)

		if err := b.Await(t.Context(), toyKind(), "default", "doll", 0, HasCondition("Ready")); err == nil {
			t.Error("Await(Ready): the toy is Ready without a function")
		}

		if err := b.StartFunction(t.Context()); err != nil {
			t.Fatal(err)
		}

		makeToy(t, b, "doll", "red")
		deleteToy(t, b, "doll")
	})

	t.Run("CoreRestart", func(t *testing.T) {
		makeToy(t, b, "drum", "red")

		if err := b.KillCore(); err != nil {
			t.Fatal(err)
		}

		applyToy(t, b, "drum", "blue")

		if err := b.StartCore(t.Context()); err != nil {
			t.Fatal(err)
		}

		makeToy(t, b, "drum", "blue")
		deleteToy(t, b, "drum")
	})

	t.Run("APIServerRestart", func(t *testing.T) {
		makeToy(t, b, "yoyo", "red")
		before := uid(t, b, "yoyo")

		if err := b.RestartAPIServer(t.Context()); err != nil {
			t.Fatal(err)
		}

		if after := uid(t, b, "yoyo"); before != after {
			t.Errorf("RestartAPIServer(...): the toy's uid was %s and is %s", before, after)
		}

		// The core's and the garbage collector's watches are back, too.
		makeToy(t, b, "yoyo", "blue")
		deleteToy(t, b, "yoyo")
	})

	t.Run("ProviderRestart", func(t *testing.T) {
		makeVPC(t, b)
	})

	t.Run("Usage", func(t *testing.T) {
		protects(t, b)
	})

	t.Run("Kubectl", func(t *testing.T) {
		kubectl, err := exec.LookPath("kubectl")
		if err != nil {
			t.Skip("no kubectl on this machine")
		}

		out, err := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", b.Kubeconfig(), "get", "namespaces", "-o", "name").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "namespace/crossplane-system") {
			t.Errorf("kubectl get namespaces: %v\n%s", err, out)
		}
	})

	t.Run("Addresses", func(t *testing.T) {
		for _, url := range []string{b.LedgerURL(), b.CoreMetricsURL()} {
			if err := awaitOK(t.Context(), http.DefaultClient, url); err != nil {
				t.Error(err)
			}
		}
	})
}

// makeVPC makes a VPC in the simulated AWS and replaces the provider: the next
// one deletes what the first one made.
func makeVPC(t *testing.T, b *Bed) {
	t.Helper()

	vpc := schema.GroupVersionKind{Group: "ec2.aws.m.upbound.io", Version: "v1beta1", Kind: "VPC"}

	_, err := b.Apply(t.Context(), `
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: VPC
metadata: {namespace: default, name: lonely}
spec:
  forProvider: {region: ap-northeast-1, cidrBlock: 10.7.0.0/16}
`)
	if err != nil {
		t.Fatal(err)
	}

	if err := b.Await(t.Context(), vpc, "default", "lonely", 30*time.Second, HasCondition("Ready")); err != nil {
		t.Fatal(err)
	}

	if left := b.Cloud().Ledger().Left(); len(left) != 1 || left[0].Name != "lonely" {
		t.Errorf("Ledger(): want the VPC lonely, got %+v", left)
	}

	if err := b.RestartProvider(); err != nil {
		t.Fatal(err)
	}

	vpcs, err := b.Resource(vpc, "default")
	if err != nil {
		t.Fatal(err)
	}

	if err := vpcs.Delete(t.Context(), "lonely", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	if err := b.Await(t.Context(), vpc, "default", "lonely", 30*time.Second, Gone); err != nil {
		t.Fatal(err)
	}

	if left := b.Cloud().Ledger().Left(); len(left) != 0 {
		t.Errorf("Ledger(): want nothing left, got %+v", left)
	}
}

// protects checks that the Usage webhook, which the API server calls, refuses
// to delete what is in use.
func protects(t *testing.T, b *Bed) {
	t.Helper()

	_, err := b.Apply(t.Context(), `
apiVersion: v1
kind: ConfigMap
metadata: {namespace: default, name: held}
---
apiVersion: protection.crossplane.io/v1beta1
kind: Usage
metadata: {namespace: default, name: holds}
spec:
  of: {apiVersion: v1, kind: ConfigMap, resourceRef: {name: held}}
  reason: "the test needs it"
`)
	if err != nil {
		t.Fatal(err)
	}

	usage := schema.GroupVersionKind{Group: "protection.crossplane.io", Version: "v1beta1", Kind: "Usage"}
	if err := b.Await(t.Context(), usage, "default", "holds", 30*time.Second, HasCondition("Ready")); err != nil {
		t.Fatal(err)
	}

	configMaps, err := b.Resource(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, "default")
	if err != nil {
		t.Fatal(err)
	}

	err = configMaps.Delete(t.Context(), "held", metav1.DeleteOptions{})
	if err == nil || !strings.Contains(err.Error(), "the test needs it") {
		t.Errorf("Delete(held): want a refusal with the Usage's reason, got %v", err)
	}
}

func uid(t *testing.T, b *Bed, name string) string {
	t.Helper()

	toys, err := b.Resource(toyKind(), "default")
	if err != nil {
		t.Fatal(err)
	}

	o, err := toys.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	return string(o.GetUID())
}
