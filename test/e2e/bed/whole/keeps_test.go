package whole

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// rounds is how many reconciles the front door's replicas must survive.
const rounds = 20

// keepsReplicas: how many servers run is the front door's to say. The Object
// that brings the Deployment leaves it alone, however often it is reconciled.
func keepsReplicas(p production) {
	w := p.cluster
	w.queue("people", 2)
	w.awaitServers("people", 2)

	object := p.composed()["workload-servers-people"]

	for i := range rounds {
		mark := fmt.Sprint("round-", i)
		w.patchServers("people", fmt.Sprintf(`{"metadata":{"annotations":{"example.com/round":%q}}}`, mark))

		// The provider has reconciled when the Object shows the mark.
		w.await(func(context.Context) error {
			o, err := p.client(object.GroupVersionKind()).Get(p.t.Context(), object.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}

			if got := nested(o, "status", "atProvider", "manifest", "metadata", "annotations")["example.com/round"]; got != mark {
				return fmt.Errorf("the Object shows %v, want %s", got, mark)
			}

			return nil
		})

		if n := *w.servers("people").Spec.Replicas; n != 2 {
			p.t.Fatalf("after %d reconciles there are %d replicas, want the front door's 2", i+1, n)
		}
	}

	p.await(func(o *unstructured.Unstructured) error {
		if s := nested(o, "status")["servers"]; !strings.HasPrefix(text(s), "2/") {
			return fmt.Errorf("status.servers is %v", s)
		}

		return nil
	})
	p.isReady()
}

// drifts: what is changed or deleted by hand in the studio's cluster comes back.
func drifts(p production) {
	w := p.cluster
	image := w.servers("people").Spec.Template.Spec.Containers[0]
	w.patchServers("people", fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":%q,"image":"public.ecr.aws/evil/evil:1"}]}}}}`, image.Name))
	w.await(func(context.Context) error {
		if got := w.servers("people").Spec.Template.Spec.Containers[0].Image; got != image.Image {
			return fmt.Errorf("the image is %s", got)
		}

		return nil
	})

	byHand := metav1.PatchOptions{FieldManager: "hand"}
	if _, err := w.any.Resource(nodePools()).Patch(p.t.Context(), "people", types.MergePatchType, []byte(`{"spec":{"limits":{"nvidia.com/gpu":"100"}}}`), byHand); err != nil {
		p.t.Fatal(err)
	}

	w.await(func(context.Context) error {
		if got := nested(w.nodePool("people"), "spec", "limits")["nvidia.com/gpu"]; got != "4" {
			return fmt.Errorf("the limit is %v", got)
		}

		return nil
	})

	services := w.core.CoreV1().Services(inStudio)
	if err := services.Delete(p.t.Context(), "front-door", metav1.DeleteOptions{}); err != nil {
		p.t.Fatal(err)
	}

	w.await(func(ctx context.Context) error {
		s, err := services.Get(ctx, "front-door", metav1.GetOptions{})
		if err == nil && s.Spec.Type != corev1.ServiceTypeNodePort {
			return fmt.Errorf("the Service is of type %s", s.Spec.Type)
		}

		return err
	})

	w.awaitServers("people", 2)
	p.awaitReady()
}
