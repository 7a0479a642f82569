package bed

import (
	"path/filepath"
	"strings"
	"testing"

	authv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// TestRBAC asks for what the core may do to each kind that a studio is composed
// of, with nothing but the permissions of Crossplane's chart and of its RBAC
// manager. Nothing of ours is needed beside these.
func TestRBAC(t *testing.T) {
	b := start(t, func(o *Options) {
		studio := Options{Root: o.Root, APIs: filepath.Join(o.Root, "apis", "comfyuistudios")}

		kinds, err := (&Bed{o: studio}).activated()
		if err != nil {
			t.Fatal(err)
		}

		o.RBAC, o.Record, o.CRDs = true, false, kinds
	})

	// A composition works, with a ConfigMap that the chart allows.
	makeToy(t, b, "ball", "red")
	deleteToy(t, b, "ball")

	cfg, err := clientcmd.BuildConfigFromFlags("", b.accountKubeconfig(accountCore))
	if err != nil {
		t.Fatal(err)
	}

	cfg.QPS = -1 // Hundreds of questions.

	core, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}

	may := func(verb, group, resource string) bool {
		t.Helper()

		review := &authv1.SelfSubjectAccessReview{Spec: authv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authv1.ResourceAttributes{Namespace: "default", Verb: verb, Group: group, Resource: resource},
		}}

		got, err := core.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}

		return got.Status.Allowed
	}

	composed := append([]string{
		"secrets.", "usages.protection.crossplane.io",
		"providerconfigs.kubernetes.m.crossplane.io", "objects.kubernetes.m.crossplane.io",
		"providerconfigs.helm.m.crossplane.io", "releases.helm.m.crossplane.io",
	}, b.o.CRDs...)

	for _, kind := range composed {
		resource, group, _ := strings.Cut(kind, ".")
		for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete"} {
			if !may(verb, group, resource) {
				t.Errorf("the core may not %s %s: the product has to ship a ClusterRole with rbac.crossplane.io/aggregate-to-crossplane for it", verb, kind)
			}
		}
	}

	// The bed asks indeed: what nobody granted is refused.
	for _, kind := range []string{"pods.", "clusterroles.rbac.authorization.k8s.io", "namespaces."} {
		if resource, group, _ := strings.Cut(kind, "."); may("create", group, resource) {
			t.Errorf("the core may create %s, and nobody granted it that", kind)
		}
	}
}
