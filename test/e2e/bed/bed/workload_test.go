package bed

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/toy"
)

// anEKSCluster is as little as AWS demands, with the connection that Objects
// use.
const anEKSCluster = `
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: VPC
metadata: {namespace: default, name: vpc}
spec: {forProvider: {region: ap-northeast-1, cidrBlock: 10.42.0.0/16}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Subnet
metadata: {namespace: default, name: one}
spec: {forProvider: {region: ap-northeast-1, cidrBlock: 10.42.32.0/19, availabilityZoneId: apne1-az1, vpcIdRef: {name: vpc}}}
---
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: Subnet
metadata: {namespace: default, name: two}
spec: {forProvider: {region: ap-northeast-1, cidrBlock: 10.42.64.0/19, availabilityZoneId: apne1-az2, vpcIdRef: {name: vpc}}}
---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Role
metadata: {namespace: default, name: eks}
spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}'}}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: Cluster
metadata: {namespace: default, name: work}
spec:
  forProvider:
    region: ap-northeast-1
    accessConfig: {authenticationMode: API, bootstrapClusterCreatorAdminPermissions: true}
    roleArnRef: {name: eks}
    vpcConfig: {subnetIdRefs: [{name: one}, {name: two}]}
---
apiVersion: iam.aws.m.upbound.io/v1beta1
kind: Role
metadata: {namespace: default, name: node}
spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'}}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: NodeGroup
metadata: {namespace: default, name: system}
spec:
  forProvider:
    region: ap-northeast-1
    clusterNameRef: {name: work}
    nodeRoleArnRef: {name: node}
    subnetIdRefs: [{name: one}, {name: two}]
    scalingConfig: {minSize: 2, desiredSize: 2, maxSize: 3}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: Addon
metadata: {namespace: default, name: cni}
spec: {forProvider: {region: ap-northeast-1, clusterNameRef: {name: work}, addonName: vpc-cni}}
---
apiVersion: eks.aws.m.upbound.io/v1beta1
kind: ClusterAuth
metadata: {namespace: default, name: work}
spec:
  forProvider: {region: ap-northeast-1, clusterNameRef: {name: work}, refreshPeriod: 10m0s}
  writeConnectionSecretToRef: {name: work-kubeconfig}
---
apiVersion: kubernetes.m.crossplane.io/v1alpha1
kind: ProviderConfig
metadata: {namespace: default, name: work}
spec: {credentials: {source: Secret, secretRef: {namespace: default, name: work-kubeconfig, key: kubeconfig}}}
---
apiVersion: helm.m.crossplane.io/v1beta1
kind: ProviderConfig
metadata: {namespace: default, name: work}
spec: {credentials: {source: Secret, secretRef: {namespace: default, name: work-kubeconfig, key: kubeconfig}}}
`

var (
	objectKind    = schema.GroupVersionKind{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "Object"}
	nodeGroupKind = schema.GroupVersionKind{Group: "eks.aws.m.upbound.io", Version: "v1beta1", Kind: "NodeGroup"}
	releaseKind   = schema.GroupVersionKind{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "Release"}
	clusterKind   = schema.GroupVersionKind{Group: "eks.aws.m.upbound.io", Version: "v1beta1", Kind: "Cluster"}
	authKind      = schema.GroupVersionKind{Group: "eks.aws.m.upbound.io", Version: "v1beta1", Kind: "ClusterAuth"}
	secretKind    = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
	configKind    = schema.GroupVersionKind{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "ProviderConfig"}
)

const (
	workloadScale = 60
	// workloadLimit is more than a failed Object takes to be tried again: a
	// minute at most, whatever the scale.
	workloadLimit = 90 * time.Second
)

// workbench is a bed with an EKS cluster that answers.
type workbench struct {
	*Bed

	t    *testing.T
	work *kubernetes.Clientset
}

// startWork starts a bed with a workload cluster.
func startWork(t *testing.T, behind Workload) workbench {
	t.Helper()

	b := start(t, func(o *Options) {
		o.Workload, o.Scale, o.Record, o.Function = behind, workloadScale, false, toy.Function{}
		o.CRDs = []string{
			"vpcs.ec2.aws.m.upbound.io", "subnets.ec2.aws.m.upbound.io", "roles.iam.aws.m.upbound.io",
			"clusters.eks.aws.m.upbound.io", "nodegroups.eks.aws.m.upbound.io", "addons.eks.aws.m.upbound.io",
			"clusterauths.eks.aws.m.upbound.io",
		}
	})

	if _, err := b.Apply(t.Context(), anEKSCluster); err != nil {
		t.Fatal(err)
	}

	w := workbench{Bed: b, t: t}
	w.work = w.awaitCluster()

	return w
}

// awaitCluster waits for the cluster and the way in.
func (w workbench) awaitCluster() *kubernetes.Clientset {
	w.t.Helper()

	if err := w.Await(w.t.Context(), authKind, "default", "work", workloadLimit, HasCondition("Ready")); err != nil {
		w.t.Fatal(err)
	}

	if w.o.Workload == Light {
		return nil
	}

	c, err := w.Cluster(w.t.Context(), "ap-northeast-1", "work", workloadLimit)
	if err != nil {
		w.t.Fatal(err)
	}

	k, err := kubernetes.NewForConfig(c.Admin)
	if err != nil {
		w.t.Fatal(err)
	}

	return k
}

// object applies an Object. More goes into its spec, beside the manifest.
func (w workbench) object(name, more, manifest string) {
	w.t.Helper()

	_, err := w.Apply(w.t.Context(), fmt.Sprintf(`
apiVersion: kubernetes.m.crossplane.io/v1alpha1
kind: Object
metadata: {namespace: default, name: %s}
spec:
  providerConfigRef: {kind: ProviderConfig, name: work}
  %s
  forProvider:
    manifest: %s
`, name, more, manifest))
	if err != nil {
		w.t.Fatal(err)
	}
}

// chart applies a Release of a chart that studios use.
func (w workbench) chart(name string) {
	w.t.Helper()

	chart := map[string]string{
		"karpenter":            "{name: karpenter, repository: oci://public.ecr.aws/karpenter, version: 1.14.1}",
		"nvidia-device-plugin": "{name: nvidia-device-plugin, repository: https://nvidia.github.io/k8s-device-plugin, version: 0.18.2}",
	}[name]

	_, err := w.Apply(w.t.Context(), fmt.Sprintf(`
apiVersion: helm.m.crossplane.io/v1beta1
kind: Release
metadata: {namespace: default, name: %s}
spec:
  providerConfigRef: {kind: ProviderConfig, name: work}
  forProvider: {chart: %s, namespace: kube-system}
`, name, chart))
	if err != nil {
		w.t.Fatal(err)
	}
}

// await waits for an Object.
func (w workbench) await(name string, satisfies func(*unstructured.Unstructured) error) {
	w.t.Helper()

	if err := w.Await(w.t.Context(), objectKind, "default", name, workloadLimit, satisfies); err != nil {
		w.t.Fatalf("%v\n%s", err, w.LogTail(kubernetesProvider, 5))
	}
}

// get is an Object as it is, as JSON.
func (w workbench) get(name string) string {
	w.t.Helper()

	r, err := w.Resource(objectKind, "default")
	if err != nil {
		w.t.Fatal(err)
	}

	o, err := r.Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}

	data, err := json.Marshal(o.Object)
	if err != nil {
		w.t.Fatal(err)
	}

	return string(data)
}

// remove asks for the deletion of an object of the management cluster.
func (w workbench) remove(gvk schema.GroupVersionKind, name string) {
	w.t.Helper()

	r, err := w.Resource(gvk, "default")
	if err != nil {
		w.t.Fatal(err)
	}

	if err := r.Delete(w.t.Context(), name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// observed waits until the Object shows what its query says of the live object.
func observed(what string, holds func(live map[string]any) bool) func(*unstructured.Unstructured) error {
	return func(o *unstructured.Unstructured) error {
		if o == nil {
			return fmt.Errorf("%s: is not there", what)
		}

		live, _, _ := unstructured.NestedMap(o.Object, "status", "atProvider", "manifest")
		if !holds(live) {
			return fmt.Errorf("want %s, got %v", what, live)
		}

		return nil
	}
}

// in is the same bench for a part of the test.
func (w workbench) in(t *testing.T) workbench {
	t.Helper()

	w.t = t

	return w
}

// greeting is a ConfigMap in the cluster.
func greeting(name, say string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: %s}, data: {say: %s}}", name, say)
}

// say is what a greeting in the cluster says.
func (w workbench) say(name string) (string, error) {
	cm, err := w.work.CoreV1().ConfigMaps("default").Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}

	return cm.Data["say"], nil
}

// says waits until a greeting in the cluster says so.
func (w workbench) says(name, want string) {
	w.t.Helper()
	w.poll(func(context.Context) error {
		got, err := w.say(name)
		if err == nil && got != want {
			err = fmt.Errorf("%s says %q, want %q", name, got, want)
		}

		return err
	})
}

// poll asks until the answer is nil.
func (w workbench) poll(ask func(context.Context) error) {
	w.t.Helper()

	if err := poll(w.t.Context(), workloadLimit, 20*time.Millisecond, ask); err != nil {
		w.t.Fatal(err)
	}
}

// patch changes a ConfigMap in the cluster by hand.
func (w workbench) patch(name, patch string) {
	w.t.Helper()

	_, err := w.work.CoreV1().ConfigMaps("default").Patch(w.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "hand"})
	if err != nil {
		w.t.Fatal(err)
	}
}

// syncedFails waits until an Object is not Synced and says why in such words.
func (w workbench) syncedFails(name, why string) {
	w.t.Helper()
	w.await(name, func(o *unstructured.Unstructured) error {
		if err := HasCondition("Synced")(o); err == nil || !strings.Contains(err.Error(), why) {
			return fmt.Errorf("want %q, got %w", why, asError(err))
		}

		return nil
	})
}
