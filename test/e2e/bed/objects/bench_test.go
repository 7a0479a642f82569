package objects

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/provider"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/provider/apitest"
)

const (
	// fast is a scale at which Karpenter drains a node in a tenth of a second.
	fast   = 1800
	region = "ap-northeast-1"
	// patience is far above what anything takes.
	patience = 20 * time.Second
)

// A workbench is an API server, an AWS with a cluster, its kubeconfig, and a
// double.
type workbench struct {
	*testing.T

	client dynamic.Interface
	aws    *cloud.AWS
}

func newWorkbench(t *testing.T) *workbench {
	t.Helper()

	api := apitest.Start(t)

	for _, k := range kinds() {
		g := k.resource
		api.Serve(t, g.Group, g.Version, k.kind, g.Resource)
		api.Serve(t, g.Group, g.Version, "ProviderConfig", k.config.Resource)
		api.Serve(t, g.Group, g.Version, "ProviderConfigUsage", k.usage.Resource)
	}

	client, err := dynamic.NewForConfig(api.Config)
	if err != nil {
		t.Fatal(err)
	}

	w := &workbench{T: t, client: client, aws: cloud.New(cloud.Options{Scale: fast})}
	w.makeCluster()

	d, err := New(api.Config, Options{AWS: w.aws, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})

	go func() {
		defer close(done)
		d.Run(ctx)
	}()

	t.Cleanup(func() {
		cancel()
		<-done
	})

	return w
}

// make asks AWS for something and waits until it is usable.
func (w *workbench) make(service, name, id string, args cloud.Values) cloud.Resource {
	w.Helper()

	args["region"] = region
	c := cloud.Call{Kind: cloud.Kind{Service: service, Name: name}, Name: id, Owner: cloud.Owner{Namespace: "art", Name: id}, Args: args}

	r, err := w.aws.Create(c)
	if err != nil {
		w.Fatal(err)
	}

	c.ID = r.ID

	r, err = w.aws.Await(w.Context(), c, time.Hour)
	if err != nil {
		w.Fatal(err)
	}

	return r
}

func trust(service string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s.amazonaws.com"},"Action":"sts:AssumeRole"}]}`, service)
}

func (w *workbench) subnets() []any {
	w.Helper()

	out := []any{}

	for _, e := range w.aws.Ledger().Left() {
		if e.Kind == "Subnet" {
			out = append(out, e.ID)
		}
	}

	return out
}

// makeCluster makes a cluster without nodes, and the way in.
func (w *workbench) makeCluster() {
	w.Helper()

	vpc := w.make("ec2", "VPC", "vpc", cloud.Values{"cidrBlock": "10.42.0.0/16"})
	w.make("ec2", "Subnet", "one", cloud.Values{"vpcId": vpc.ID, "cidrBlock": "10.42.32.0/19", "availabilityZoneId": "apne1-az1"})
	w.make("ec2", "Subnet", "two", cloud.Values{"vpcId": vpc.ID, "cidrBlock": "10.42.64.0/19", "availabilityZoneId": "apne1-az2"})
	role := w.make("iam", "Role", "eks", cloud.Values{"assumeRolePolicy": trust("eks")})
	eks := w.make("eks", "Cluster", "work", cloud.Values{"roleArn": role.ARN, "vpcConfig": map[string]any{"subnetIds": w.subnets()}})

	kubeconfig := provider.Kubeconfig(provider.Cluster{Name: "work", Endpoint: eks.Attrs.String("endpoint")}, "token")
	w.apply(`{apiVersion: v1, kind: Secret, metadata: {name: way-in}, data: {kubeconfig: ` + base64.StdEncoding.EncodeToString(kubeconfig) + `}}`)

	for _, api := range []string{"kubernetes.m.crossplane.io/v1alpha1", "helm.m.crossplane.io/v1beta1"} {
		w.apply(`
apiVersion: ` + api + `
kind: ProviderConfig
metadata: {name: work}
spec: {credentials: {source: Secret, secretRef: {namespace: art, name: way-in, key: kubeconfig}}}`)
	}
}

// makeNodes gives the cluster its system nodes.
func (w *workbench) makeNodes() {
	w.Helper()

	role := w.make("iam", "Role", "node", cloud.Values{"assumeRolePolicy": trust("ec2")})
	w.make("eks", "NodeGroup", "system", cloud.Values{
		"clusterName": "work", "nodeRoleArn": role.ARN, "subnetIds": w.subnets(),
		"scalingConfig": map[string]any{"minSize": int64(2), "desiredSize": int64(2), "maxSize": int64(3)},
	})
}

func (w *workbench) of(u *unstructured.Unstructured) dynamic.ResourceInterface {
	gvr, _ := meta.UnsafeGuessKindToResource(u.GroupVersionKind())
	return w.client.Resource(gvr).Namespace("art")
}

// apply applies an object in the namespace art.
func (w *workbench) apply(manifest string) *unstructured.Unstructured {
	w.Helper()

	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &u.Object); err != nil {
		w.Fatal(err)
	}

	u.SetNamespace("art")

	out, err := w.of(u).Apply(w.Context(), u.GetName(), u, metav1.ApplyOptions{FieldManager: "test", Force: true})
	if err != nil {
		w.Fatal(err)
	}

	return out
}

// object applies an Object; more goes into its spec.
func (w *workbench) object(name, more, manifest string) *unstructured.Unstructured {
	w.Helper()

	return w.apply(`
apiVersion: kubernetes.m.crossplane.io/v1alpha1
kind: Object
metadata: {name: ` + name + `}
spec:
  providerConfigRef: {kind: ProviderConfig, name: work}
  watch: true
  ` + more + `
  forProvider:
    manifest: ` + manifest)
}

// chart applies a Release.
func (w *workbench) chart(name, more string) *unstructured.Unstructured {
	w.Helper()

	return w.apply(`
apiVersion: helm.m.crossplane.io/v1beta1
kind: Release
metadata: {name: ` + name + `}
spec:
  providerConfigRef: {kind: ProviderConfig, name: work}
  forProvider: {chart: {name: ` + name + `, version: 1.14.1}, namespace: kube-system` + more + `}`)
}

// await waits until an object, nil when it is gone, satisfies.
func (w *workbench) await(u *unstructured.Unstructured, satisfies func(*unstructured.Unstructured) error) {
	w.Helper()

	var last error

	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(5 * time.Millisecond) {
		now, err := w.of(u).Get(w.Context(), u.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			now, err = nil, nil
		}

		if err != nil {
			w.Fatal(err)
		}

		if last = satisfies(now); last == nil {
			return
		}
	}

	w.Fatalf("%s %s: %v", u.GetKind(), u.GetName(), last)
}

// remains checks that an object is still there after twenty simulated minutes, in which
// whoever wants it gone has tried twenty times.
func (w *workbench) remains(u *unstructured.Unstructured) {
	w.Helper()

	if err := w.aws.Clock().Sleep(w.Context(), 20*time.Minute); err != nil {
		w.Fatal(err)
	}

	if _, err := w.of(u).Get(w.Context(), u.GetName(), metav1.GetOptions{}); err != nil {
		w.Errorf("%s %s is gone, and the real one would not be: %v", u.GetKind(), u.GetName(), err)
	}
}

func (w *workbench) remove(us ...*unstructured.Unstructured) {
	w.Helper()

	for _, u := range us {
		if err := w.of(u).Delete(w.Context(), u.GetName(), metav1.DeleteOptions{}); err != nil {
			w.Fatal(err)
		}
	}
}

// says is for await: the condition has that status, and a message with that.
func says(conditionType, status, message string) func(*unstructured.Unstructured) error {
	return func(u *unstructured.Unstructured) error {
		if u == nil {
			return errors.New("is not there")
		}

		for _, c := range conditionsOf(u.Object) {
			said, _ := c["message"].(string)
			if c["type"] == conditionType && c["status"] == status && strings.Contains(said, message) {
				return nil
			}
		}

		return fmt.Errorf("want %s=%s %q, got %v", conditionType, status, message, conditionsOf(u.Object))
	}
}

func isReadyNow(u *unstructured.Unstructured) error {
	return errors.Join(says("Ready", "True", "")(u), says("Synced", "True", "")(u))
}

func isGone(u *unstructured.Unstructured) error {
	if u == nil {
		return nil
	}

	return fmt.Errorf("is still there: %v", conditionsOf(u.Object))
}

var usages = schema.GroupVersionResource{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Resource: "providerconfigusages"}
