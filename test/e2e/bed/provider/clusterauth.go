package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// A Cluster is what a kubeconfig is made from.
type Cluster struct {
	Name     string
	Region   string
	ARN      string
	Endpoint string
	// CA is the certificate authority in PEM.
	CA []byte
	// TokenLife is how long a token is asked to hold.
	TokenLife time.Duration
	// Owner is the ClusterAuth, not the Cluster.
	Owner cloud.Owner
}

// A Connection is the content of ClusterAuth's Secret.
type Connection struct {
	Endpoint   string
	Kubeconfig []byte
	CA         []byte
}

// spare is how much longer than the refresh period a token is made to hold
// (provider-aws, eks/clusterauth: "expiration is refresh period plus 5 minutes").
const spare = 5 * time.Minute

// defaultKubeconfig points at the cluster's endpoint.
func defaultKubeconfig(c Cluster) (Connection, error) {
	token := "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(c.ARN))
	return Connection{Endpoint: c.Endpoint, Kubeconfig: Kubeconfig(c, token), CA: c.CA}, nil
}

// Kubeconfig is what ClusterAuth writes, with a token.
func Kubeconfig(c Cluster, token string) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: %[1]s
    server: %[2]s
  name: %[3]s
contexts:
- context:
    cluster: %[3]s
    user: %[3]s
  name: %[3]s
current-context: %[3]s
kind: Config
preferences: {}
users:
- name: %[3]s
  user:
    token: %[4]s
`, base64.StdEncoding.EncodeToString(c.CA), c.Endpoint, c.Name, token)
}

const lastRefresh = "lastRefreshTime"

// observeAuth tells whether the token is due.
func (r *run) observeAuth() observation {
	if r.deleted() {
		return observation{}
	}
	last := r.lastRefresh()
	if last.IsZero() {
		return observation{}
	}
	if r.aws.Clock().Wall().After(last.Add(r.refreshPeriod())) {
		return observation{exists: true}
	}
	setConditions(r.u, available())
	return observation{exists: true, upToDate: true}
}

func (r *run) lastRefresh() time.Time {
	s, _, _ := unstructured.NestedString(r.u.Object, "status", "atProvider", lastRefresh)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

func (r *run) refreshPeriod() time.Duration {
	d, err := time.ParseDuration(forProviderOf(r.u).String("refreshPeriod"))
	if err != nil {
		return DefaultPoll
	}
	return d
}

// refreshIn is when the token is due. The real controller's poll interval is
// no longer than the refresh period either.
func (r *run) refreshIn() time.Duration {
	due := r.lastRefresh().Add(r.refreshPeriod()).Sub(r.aws.Clock().Wall()) + time.Second
	return max(time.Second, min(due, r.opts.Poll))
}

// createAuth makes a kubeconfig and writes it into the Secret.
func (r *run) createAuth(ctx context.Context) error {
	args := forProviderOf(r.u)
	name := args.String("clusterName")
	res, err := r.aws.Visit(cloud.Call{
		Kind: cloud.Kind{Service: "eks", Name: "Cluster"}, ID: name,
		Owner: r.key.owner(), Args: cloud.Values{"region": args.String("region")},
	})
	if err != nil {
		return fmt.Errorf("cannot describe cluster: %w", err)
	}
	ca := []byte{}
	for _, b := range res.Attrs.List("certificateAuthority") {
		if ca, err = base64.StdEncoding.DecodeString(b.String("data")); err != nil {
			return fmt.Errorf("cannot decode certificate authority data: %w", err)
		}
	}
	if len(ca) == 0 {
		return errors.New("ca data from the retrieved cluster is empty")
	}
	conn, err := r.opts.Kubeconfig(Cluster{
		Name: name, Region: res.Region, ARN: res.ARN, Endpoint: res.Attrs.String("endpoint"), CA: ca,
		TokenLife: r.refreshPeriod() + spare, Owner: r.key.owner(),
	})
	if err != nil {
		return fmt.Errorf("cannot get kubeconfig: %w", err)
	}
	if err := r.publish(ctx, conn); err != nil {
		return err
	}
	// A ClusterAuth that was just made has no status yet.
	at := map[string]any{lastRefresh: r.aws.Clock().Wall().Format(time.RFC3339)}
	if err := unstructured.SetNestedMap(r.u.Object, at, "status", "atProvider"); err != nil {
		return fmt.Errorf("cannot set status: %w", err)
	}
	return r.status(ctx, available())
}

// publish writes the connection Secret of a managed resource.
func (r *run) publish(ctx context.Context, c Connection) error {
	name, _, _ := unstructured.NestedString(r.u.Object, "spec", "writeConnectionSecretToRef", "name")
	if name == "" {
		return nil
	}
	enc := func(b []byte) any { return base64.StdEncoding.EncodeToString(b) }
	yes := true
	secret := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "connection.crossplane.io/v1alpha1",
		"data": map[string]any{"endpoint": enc([]byte(c.Endpoint)), "kubeconfig": enc(c.Kubeconfig), "clusterCA": enc(c.CA)},
	}}
	secret.SetName(name)
	secret.SetNamespace(r.key.namespace)
	secret.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: r.u.GetAPIVersion(), Kind: r.u.GetKind(), Name: r.u.GetName(), UID: r.u.GetUID(),
		Controller: &yes, BlockOwnerDeletion: &yes,
	}})
	secrets := r.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(r.key.namespace)
	old, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if kerrors.IsNotFound(err) {
		if _, err = secrets.Create(ctx, secret, metav1.CreateOptions{FieldManager: fieldManager}); err != nil {
			return fmt.Errorf("cannot create connection secret: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot get connection secret: %w", err)
	}
	if !metav1.IsControlledBy(old, r.u) {
		return fmt.Errorf("cannot publish connection secret: secret %q is not controlled by this resource", name)
	}
	secret.SetResourceVersion(old.GetResourceVersion())
	if _, err := secrets.Update(ctx, secret, metav1.UpdateOptions{FieldManager: fieldManager}); err != nil {
		return fmt.Errorf("cannot update connection secret: %w", err)
	}
	return nil
}
