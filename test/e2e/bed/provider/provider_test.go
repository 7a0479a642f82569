package provider

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// studio is every kind of the network, the cluster and the buckets.
func studio(tb testing.TB) string {
	tb.Helper()
	b, err := os.ReadFile("testdata/studio.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func TestCreateToGone(t *testing.T) {
	w := newWorkbench(t, fast, Options{})
	us := w.apply(studio(t))
	w.ready(us...)

	at := map[string]*unstructured.Unstructured{}
	for _, u := range us {
		at[u.GetKind()+"/"+u.GetName()] = w.get(u)
	}
	c := atProvider(at["Cluster/studio"])
	if diff := cmp.Diff("ACTIVE", c.String("status")); diff != "" {
		t.Errorf("cluster status: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(at["VPC/vpc"].GetAnnotations()[annotationName], c.String("vpcConfig.vpcId")); diff != "" {
		t.Errorf("cluster VPC: -want, +got:\n%s", diff)
	}
	w.remove(us...)
	w.gone(us...)
	l := w.aws.Ledger()
	if left := l.Left(); len(left) > 0 {
		t.Errorf("left in AWS: %v", left)
	}
	if diff := cmp.Diff(len(us)-1, len(l.Entries)); diff != "" {
		// ClusterAuth is nothing in AWS.
		t.Errorf("entries in the ledger: -want, +got:\n%s", diff)
	}
}
