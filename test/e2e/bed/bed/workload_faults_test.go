package bed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// oldToken: provider-aws is away for longer than a token holds, so nobody gets
// in any more. It comes back, and all is well.
func oldToken(w workbench) {
	w.StopProvider()
	time.Sleep(w.Cloud().Clock().Real(16 * time.Minute))
	w.object("late", "", greeting("late", "hello"))
	w.syncedFails("late", "Unauthorized")

	if err := w.StartProvider(); err != nil {
		w.t.Fatal(err)
	}

	w.await("late", HasCondition("Ready"))
	w.says("late", "hello")
}

// restarts: neither provider-kubernetes nor etcd below all API servers takes
// anything along.
func restarts(w workbench) {
	if err := w.RestartKubernetesProvider(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}

	w.object("left", "managementPolicies: [Create, Observe, Update, LateInitialize]", greeting("left", "goodbye"))
	w.says("left", "goodbye")

	if err := w.RestartAPIServer(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}

	w.object("left", "managementPolicies: [Create, Observe, Update, LateInitialize]", greeting("left", "hello again"))
	w.says("left", "hello again")
}

// deletesInForeground: the provider asks for no way of deletion, so the
// finalizer of a foreground delete, put on beforehand, decides: the owner goes
// last.
func deletesInForeground(w workbench) {
	configMaps := w.work.CoreV1().ConfigMaps("default")

	owner, err := configMaps.Get(w.t.Context(), "owner", metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}

	// As a NodeClaim is its NodePool's: with a finalizer of somebody else.
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "owned", Finalizers: []string{"comfyui-studio/test"},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, BlockOwnerDeletion: new(true)}},
	}}
	if _, err := configMaps.Create(w.t.Context(), owned, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}

	w.remove(objectKind, "owner")
	w.poll(func(ctx context.Context) error {
		o, err := configMaps.Get(ctx, "owned", metav1.GetOptions{})
		if err == nil && o.DeletionTimestamp == nil {
			err = errors.New("what is owned is not deleted yet")
		}

		return err
	})

	// Whatever would take the owner along by mistake has had its chance.
	time.Sleep(time.Second)
	w.says("owner", "hello")

	if err := w.Await(w.t.Context(), objectKind, "default", "owner", 0, Gone); err == nil {
		w.t.Error("the Object went before what its object owns")
	}

	w.patch("owned", `{"metadata":{"finalizers":null}}`)
	w.await("owner", Gone)
}

// secretGone: the Secret with the way in goes first, and the Object hangs until
// ClusterAuth has made another.
func secretGone(w workbench) {
	w.StopProvider()
	w.remove(secretKind, "work-kubeconfig")
	w.remove(objectKind, "held")
	w.syncedFails("held", "cannot get credentials secret")

	if err := w.StartProvider(); err != nil {
		w.t.Fatal(err)
	}

	w.await("held", Gone)
}

// configGone: a ProviderConfig that is in use stays until it is not.
func configGone(w workbench) {
	w.remove(configKind, "work")
	// Whatever would let it go by mistake has had its chance.
	time.Sleep(time.Second)

	if err := w.Await(w.t.Context(), configKind, "default", "work", 0, Gone); err == nil {
		w.t.Error("the ProviderConfig went while an Object used it")
	}

	w.remove(objectKind, "used")
	w.await("used", Gone)

	if _, err := w.say("used"); !apierrors.IsNotFound(err) {
		w.t.Errorf("the ConfigMap is to go with its Object, got %v", err)
	}

	r, err := w.Resource(objectKind, "default")
	if err != nil {
		w.t.Fatal(err)
	}

	if err := r.DeleteCollection(w.t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		w.t.Fatal(err)
	}

	if err := w.Await(w.t.Context(), configKind, "default", "work", workloadLimit, Gone); err != nil {
		w.t.Fatal(err)
	}
}

// clusterGone: the cluster's processes end with it, and one that is made under
// its name knows nothing of it.
func clusterGone(w workbench) {
	w.says("left", "hello again")

	w.remove(nodeGroupKind, "system")

	for _, gvk := range []schema.GroupVersionKind{authKind, clusterKind} {
		w.remove(gvk, "work")
	}

	for _, gvk := range []schema.GroupVersionKind{authKind, clusterKind} {
		if err := w.Await(w.t.Context(), gvk, "default", "work", workloadLimit, Gone); err != nil {
			w.t.Fatal(err)
		}
	}

	w.poll(func(context.Context) error {
		if _, err := w.say("left"); err == nil || !strings.Contains(err.Error(), "connection refused") {
			return fmt.Errorf("the API server of the cluster is still there: %w", asError(err))
		}

		return nil
	})

	if _, err := w.Apply(w.t.Context(), anEKSCluster); err != nil {
		w.t.Fatal(err)
	}

	w.work = w.awaitCluster()

	if _, err := w.say("left"); !apierrors.IsNotFound(err) {
		w.t.Errorf("a new cluster has what its predecessor had: %v", err)
	}
}

// TestLight has no cluster behind it, and Objects and Releases come and go all
// the same, in the order that the real ones need.
func TestLight(t *testing.T) {
	w := startWork(t, Light)
	w.object("greeting", "", greeting("greeting", "hello"))
	w.chart("karpenter")
	w.await("greeting", HasCondition("Ready"))

	if err := w.Await(t.Context(), releaseKind, "default", "karpenter", workloadLimit, HasCondition("Ready")); err != nil {
		t.Fatal(err)
	}

	w.remove(configKind, "work")
	w.remove(objectKind, "greeting")
	w.await("greeting", Gone)

	// The garbage collector takes the usage along, and then nothing holds it.
	if err := w.Await(t.Context(), configKind, "default", "work", workloadLimit, Gone); err != nil {
		t.Fatal(err)
	}

	w.remove(authKind, "work")

	if err := w.Await(t.Context(), secretKind, "default", "work-kubeconfig", workloadLimit, Gone); err != nil {
		t.Fatal(err)
	}

	w.remove(releaseKind, "karpenter")

	err := w.Await(t.Context(), releaseKind, "default", "karpenter", workloadLimit, func(o *unstructured.Unstructured) error {
		if err := HasCondition("Synced")(o); err == nil || !strings.Contains(err.Error(), "cannot get credentials secret") {
			return fmt.Errorf("want it to miss its way in, got %w", asError(err))
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
