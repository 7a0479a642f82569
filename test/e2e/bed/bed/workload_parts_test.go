package bed

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// TestWorkload takes the real provider-kubernetes and a real workload cluster
// through what the function's design relies on.
//
// The Objects have names of their own and nobody waits until they are gone: the
// provider does not believe in the end of what is younger than thirty seconds
// (crossplane-runtime's creation grace period). What is to be gone in a part is
// made at the beginning.
func TestWorkload(t *testing.T) {
	w := startWork(t, Real)
	w.object("held", "", greeting("held", "hello"))
	w.object("used", "", greeting("used", "hello"))
	w.object("owner", "", strings.Replace(greeting("owner", "hello"), "name: owner", "name: owner, finalizers: [foregroundDeletion]", 1))
	w.await("held", HasCondition("Ready"))
	w.await("used", HasCondition("Ready"))
	w.await("owner", HasCondition("Ready"))

	for _, part := range []struct {
		name string
		run  func(workbench)
	}{
		{"Watches", watches},
		{"Runs", runs},
		{"KeepsReplicas", keepsReplicas},
		{"Leaks", leaks},
		{"ObservesOnly", observesOnly},
		{"LeavesBehind", leavesBehind},
		{"OldToken", oldToken},
		{"Restarts", restarts},
		{"DeletesInForeground", deletesInForeground},
		{"SecretGone", secretGone},
		{"ConfigGone", configGone},
		{"ClusterGone", clusterGone},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(w.in(t)) }) {
			t.FailNow()
		}
	}
}

// watches: with watch, what happens in the cluster reaches the Object, and
// what was changed by hand comes back, long before the next poll.
func watches(w workbench) {
	w.object("watched", "watch: true", greeting("watched", "hello"))
	w.await("watched", HasCondition("Ready"))

	// The provider looks once more a second after it has made something. Then
	// it looks every ten simulated minutes: without watch it takes ten seconds.
	time.Sleep(2 * time.Second)

	begin := time.Now()

	w.patch("watched", `{"metadata":{"annotations":{"seen":"yes"}},"data":{"say":"goodbye","foreign":"mine"}}`)
	w.says("watched", "hello")
	w.await("watched", observed("the foreign key", func(live map[string]any) bool {
		foreign, _, _ := unstructured.NestedString(live, "data", "foreign")
		say, _, _ := unstructured.NestedString(live, "data", "say")

		return foreign == "mine" && say == "hello"
	}))

	if took := time.Since(begin); took > 5*time.Second {
		w.t.Errorf("it took %s, which is no watch", took)
	}
}

const app = `
      apiVersion: apps/v1
      kind: Deployment
      metadata: {namespace: default, name: app}
      spec:
        selector: {matchLabels: {app: app}}
        template:
          metadata: {labels: {app: app}}
          spec: {containers: [{name: app, image: "public.ecr.aws/app/app:1"}]}`

// keepsReplicas: what the manifest leaves out is another's, what it has comes
// back.
func keepsReplicas(w workbench) {
	w.object("app", "watch: true", app)
	w.await("app", HasCondition("Ready"))

	deployments := w.work.AppsV1().Deployments("default")
	byHand := metav1.PatchOptions{FieldManager: "hand"}

	if _, err := deployments.Patch(w.t.Context(), "app", types.MergePatchType, []byte(`{"spec":{"replicas":3}}`), byHand, "scale"); err != nil {
		w.t.Fatal(err)
	}

	image := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"public.ecr.aws/app/evil:1"}]}}}}`)
	if _, err := deployments.Patch(w.t.Context(), "app", types.StrategicMergePatchType, image, byHand); err != nil {
		w.t.Fatal(err)
	}

	w.poll(func(ctx context.Context) error {
		d, err := deployments.Get(ctx, "app", metav1.GetOptions{})
		if err != nil {
			return err
		}

		if image := d.Spec.Template.Spec.Containers[0].Image; image != "public.ecr.aws/app/app:1" {
			return fmt.Errorf("the image is %s", image)
		}

		if *d.Spec.Replicas != 3 {
			w.t.Errorf("the replicas are back to %d", *d.Spec.Replicas)
		}

		return nil
	})
}

// runs: a Deployment's pod runs on a node of the node group, and a chart is
// installed.
func runs(w workbench) {
	w.chart("nvidia-device-plugin")
	w.object("app", "watch: true\n  readiness: {policy: DeriveFromCelQuery, celQuery: 'has(object.status.availableReplicas) && object.status.availableReplicas == 1'}", app)
	w.await("app", HasCondition("Ready"))

	for _, is := range []string{"Synced", "Ready"} {
		if err := w.Await(w.t.Context(), releaseKind, "default", "nvidia-device-plugin", workloadLimit, HasCondition(is)); err != nil {
			w.t.Fatalf("%v\n%s", err, w.LogTail(helmProvider, 5))
		}
	}
}

const planted = "planted-value-4711"

// leaks: patchesFrom leaves a Secret's value in the Object, for all to read who
// may read Objects. That is why studios do not use it. When this fails, the
// provider has learned better (crossplane-contrib/provider-kubernetes#223).
func leaks(w workbench) {
	if _, err := w.Apply(w.t.Context(), "{apiVersion: v1, kind: Secret, metadata: {namespace: default, name: people}, stringData: {password: "+planted+"}}"); err != nil {
		w.t.Fatal(err)
	}

	w.object("people", "references: [{patchesFrom: {apiVersion: v1, kind: Secret, namespace: default, name: people, fieldPath: data.password}, toFieldPath: data.password}]",
		`{apiVersion: v1, kind: Secret, metadata: {namespace: default, name: people}, type: Opaque}`)
	w.await("people", HasCondition("Ready"))

	encoded := base64.StdEncoding.EncodeToString([]byte(planted))
	if !strings.Contains(w.get("people"), `"password":"`+encoded) {
		w.t.Errorf("patchesFrom no longer leaks: studios may use it. The Object is %s", w.get("people"))
	}

	w.await("people", observed("a redacted Secret", func(live map[string]any) bool {
		data, _, _ := unstructured.NestedMap(live, "data")
		_, there := data["password"]

		return len(live) > 0 && !there
	}))

	log, err := os.ReadFile(w.logFile(kubernetesProvider))
	if err != nil || strings.Contains(string(log), encoded) || strings.Contains(string(log), planted) {
		w.t.Errorf("the value is in the log of the provider, or that cannot be read: %v", err)
	}
}

// observesOnly: what may only be observed is an error while it is not there,
// and shows up when it is. It is not touched, and stays when the Object goes.
func observesOnly(w workbench) {
	w.object("observed", "watch: true\n  managementPolicies: [Observe]", greeting("observed", "hello"))
	w.syncedFails("observed", "observe failed: external resource does not exist")

	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "observed"}, Data: map[string]string{"say": "bonjour"}}
	if _, err := w.work.CoreV1().ConfigMaps("default").Create(w.t.Context(), cm, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}

	w.await("observed", HasCondition("Ready"))
	w.await("observed", observed("bonjour", func(live map[string]any) bool {
		say, _, _ := unstructured.NestedString(live, "data", "say")
		return say == "bonjour"
	}))
	w.remove(objectKind, "observed")
	w.await("observed", Gone)
	w.says("observed", "bonjour")
}

// leavesBehind: without the policy Delete an Object goes at once and what it
// made stays.
func leavesBehind(w workbench) {
	w.object("left", "managementPolicies: [Create, Observe, Update, LateInitialize]", greeting("left", "hello"))
	w.await("left", HasCondition("Ready"))
	w.remove(objectKind, "left")
	w.await("left", Gone)
	w.says("left", "hello")
}
