package objects

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

const (
	noDelete    = "managementPolicies: [Create, Observe, Update, LateInitialize]"
	aConfigMap  = `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: greeting}, data: {say: hello}}`
	aDeployment = `{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: default, name: app}, spec: {template: {spec: {containers: [{name: app}]}}}}`
)

// TestObjects takes Objects and Releases to what the real providers make of
// them.
func TestObjects(t *testing.T) {
	w := newWorkbench(t)

	cases := map[string]struct {
		reason string
		apply  func() *unstructured.Unstructured
		want   func(*unstructured.Unstructured) error
	}{
		"ConfigMap": {
			reason: "What needs no pods needs no nodes.",
			apply:  func() *unstructured.Unstructured { return w.object("config-map", "", aConfigMap) },
			want:   isReadyNow,
		},
		"DeploymentCreated": {
			reason: "By default an Object is Ready once it is created, whatever becomes of its pods.",
			apply:  func() *unstructured.Unstructured { return w.object("created", "", aDeployment) },
			want:   isReadyNow,
		},
		"DeploymentWithoutNodes": {
			reason: "Pods wait for a node, and a query for its pods.",
			apply: func() *unstructured.Unstructured {
				return w.object("waits", "readiness: {policy: DeriveFromCelQuery, celQuery: 'object.status.availableReplicas == 1'}", aDeployment)
			},
			want: says("Ready", "False", "no such key: availableReplicas"),
		},
		"QueryOfUnknownType": {
			reason: "A query whose type is not known beforehand is never true.",
			apply: func() *unstructured.Unstructured {
				return w.object("vague", "readiness: {policy: DeriveFromCelQuery, celQuery: 'object.data.say'}", aConfigMap)
			},
			want: says("Ready", "False", ""),
		},
		"ObserveAbsent": {
			reason: "Who may only observe says so when there is nothing.",
			apply: func() *unstructured.Unstructured {
				return w.object("absent", "managementPolicies: [Observe]", `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: nobody}}`)
			},
			want: says("Synced", "False", "observe failed: external resource does not exist"),
		},
		"NoNamespace": {
			reason: "The API server refuses objects in namespaces that are not there.",
			apply: func() *unstructured.Unstructured {
				return w.object("homeless", "", `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: nowhere, name: greeting}}`)
			},
			want: says("Synced", "False", `namespaces "nowhere" not found`),
		},
		"NoCRD": {
			reason: "Karpenter's kinds come with its chart.",
			apply: func() *unstructured.Unstructured {
				return w.object("early", "", `{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: gpu}}`)
			},
			want: says("Synced", "False", `no matches for kind "NodePool" in version "karpenter.sh/v1"`),
		},
		"NoProviderConfig": {
			reason: "Without a way in there is nothing to be done.",
			apply: func() *unstructured.Unstructured {
				return w.object("lost", "providerConfigRef: {kind: ProviderConfig, name: nobody}", aConfigMap)
			},
			want: says("Synced", "False", "connect failed: cannot get provider config"),
		},
		"ReleaseWithoutNodes": {
			reason: "Helm waits for its pods, if asked to.",
			apply:  func() *unstructured.Unstructured { return w.chart("waiting", ", wait: true") },
			want:   says("Ready", "False", ""),
		},
		"Release": {
			reason: "Else it does not.",
			apply:  func() *unstructured.Unstructured { return w.chart("hasty", "") },
			want:   isReadyNow,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := &workbench{T: t, client: w.client, aws: w.aws}
			t.Log(tc.reason)
			w.await(tc.apply(), tc.want)
		})
	}
}

// TestPods are there when nodes are.
func TestPods(t *testing.T) {
	w := newWorkbench(t)
	query := "readiness: {policy: DeriveFromCelQuery, celQuery: 'has(object.status.availableReplicas) && object.status.availableReplicas == 1'}"
	o := w.object("app", query, aDeployment)
	r := w.chart("karpenter", ", wait: true")

	w.await(o, says("Ready", "False", ""))
	w.await(r, says("Ready", "False", ""))
	w.makeNodes()
	w.await(o, isReadyNow)
	w.await(r, isReadyNow)
}

// TestUpdate brings a change of the manifest to the cluster.
func TestUpdate(t *testing.T) {
	w := newWorkbench(t)
	w.await(w.object("greeting", "", aConfigMap), isReadyNow)

	o := w.object("greeting", "", strings.Replace(aConfigMap, "hello", "goodbye", 1))
	w.await(o, func(u *unstructured.Unstructured) error {
		say, _, _ := unstructured.NestedString(u.Object, "status", "atProvider", "manifest", "data", "say")
		if say != "goodbye" {
			return says("Ready", "True", say)(u)
		}

		return isReadyNow(u)
	})
}

// TestSecretIsRedacted keeps what is in a Secret out of the Object's status.
func TestSecretIsRedacted(t *testing.T) {
	w := newWorkbench(t)
	o := w.object("people", "", `{apiVersion: v1, kind: Secret, metadata: {namespace: default, name: people}, data: {password: c2VjcmV0}}`)
	w.await(o, isReadyNow)
	w.await(o, func(u *unstructured.Unstructured) error {
		data, _, err := unstructured.NestedMap(u.Object, "status", "atProvider", "manifest", "data")
		if _, there := data["password"]; there {
			t.Error("the password is in the status")
		}

		return err
	})
}

// TestWayInGoesFirst is what wedges an Object for ever: the Secret goes before
// it does.
func TestWayInGoesFirst(t *testing.T) {
	w := newWorkbench(t)
	held := w.object("held", "", aConfigMap)
	free := w.object("free", noDelete, `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: other}}`)
	release := w.chart("karpenter", "")

	for _, u := range []*unstructured.Unstructured{held, free, release} {
		w.await(u, isReadyNow)
	}

	secret := &unstructured.Unstructured{}
	secret.SetAPIVersion("v1")
	secret.SetKind("Secret")
	secret.SetName("way-in")

	kept, err := w.of(secret).Get(t.Context(), "way-in", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	w.remove(secret, held, free, release)
	// It needs no way in, since it deletes nothing.
	w.await(free, isGone)
	w.await(held, says("Synced", "False", "cannot get credentials secret"))
	w.remains(held)
	w.remains(release)

	// Nothing else was in its way.
	kept.SetResourceVersion("")
	kept.SetUID("")

	if _, err := w.of(secret).Create(t.Context(), kept, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	w.await(held, isGone)
	w.await(release, isGone)
}

// TestClusterGoesFirst wedges an Object as well: nobody answers any more.
func TestClusterGoesFirst(t *testing.T) {
	w := newWorkbench(t)
	o := w.object("held", "", aConfigMap)
	w.await(o, isReadyNow)

	c := cloud.Call{Kind: cloud.Kind{Service: "eks", Name: "Cluster"}, ID: "work", Args: cloud.Values{"region": region}, Owner: cloud.Owner{Namespace: "art", Name: "work"}}
	if err := w.aws.Delete(c); err != nil {
		t.Fatal(err)
	}

	if err := w.aws.AwaitGone(t.Context(), c, time.Hour); err != nil {
		t.Fatal(err)
	}

	w.remove(o)
	w.await(o, says("Synced", "False", "no such host"))
	w.remains(o)
}

// TestConfigInUse keeps a ProviderConfig for as long as anything uses it.
func TestConfigInUse(t *testing.T) {
	w := newWorkbench(t)
	o := w.object("greeting", "", aConfigMap)
	w.await(o, isReadyNow)

	config := &unstructured.Unstructured{}
	config.SetAPIVersion("kubernetes.m.crossplane.io/v1alpha1")
	config.SetKind("ProviderConfig")
	config.SetName("work")

	w.remove(config)
	w.remains(config)
	w.remove(o)
	w.await(o, isGone)

	// The garbage collector would take the usage along with the Object.
	all := w.client.Resource(usages).Namespace("art")

	list, err := all.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}

	for _, u := range list.Items {
		if err := all.Delete(t.Context(), u.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	w.await(config, isGone)
}

// TestFrontDoor reports on the studio once it runs.
func TestFrontDoor(t *testing.T) {
	w := newWorkbench(t)
	status := w.object("status", "managementPolicies: [Observe]", `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: studio-status}}`)
	w.await(status, says("Synced", "False", "does not exist"))

	labelled := func(name, labels string) string {
		return strings.NewReplacer("name: app}, spec", "name: "+name+", labels: {"+labels+"}}, spec").Replace(aDeployment)
	}

	w.object("door", "", labelled("front-door", "app.kubernetes.io/name: front-door"))
	w.object("servers", "", labelled("comfyui", "app.kubernetes.io/name: comfyui, comfyui-studio/pool: sdxl"))
	w.makeNodes()
	w.await(status, func(u *unstructured.Unstructured) error {
		said, _, _ := unstructured.NestedString(u.Object, "status", "atProvider", "manifest", "data", "status.json")
		if !strings.Contains(said, `"name":"sdxl","nodes":1,"serversReady":1,"servers":1`) {
			return says("Ready", "True", said)(u)
		}

		return nil
	})
}
