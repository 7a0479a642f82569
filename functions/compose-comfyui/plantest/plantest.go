// Package plantest makes the plan that tests of the facts and the parts start
// from: of the claim tokyo in the namespace art, in a region with three zones.
package plantest

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Account is the one that the tests' studios live in.
const Account = "123456789012"

// New is the plan of a studio whose account is not known yet.
func New(t *testing.T, edits ...func(*v1alpha1.ComfyUIStudioSpec)) plan.Plan {
	t.Helper()

	return Named(t, "tokyo", edits...)
}

// Named is New for a claim of another name.
func Named(t *testing.T, name string, edits ...func(*v1alpha1.ComfyUIStudioSpec)) plan.Plan {
	t.Helper()

	xr := &v1alpha1.ComfyUIStudio{
		ObjectMeta: metav1.ObjectMeta{Namespace: "art", Name: name},
		Spec: v1alpha1.ComfyUIStudioSpec{
			Region:            "ap-northeast-1",
			ProviderConfigRef: v1alpha1.ProviderConfigRef{Kind: "ClusterProviderConfig", Name: "default"},
			Kubernetes:        v1alpha1.Kubernetes{Version: "1.35", APIAllowedCIDRs: []string{"0.0.0.0/0"}},
			Network:           v1alpha1.Network{CIDR: "10.42.0.0/16"},
		},
	}
	for _, edit := range edits {
		edit(&xr.Spec)
	}

	p, err := plan.New(xr)
	if err != nil {
		t.Fatal(err)
	}

	return p
}

// InAccount is New with the account known.
func InAccount(t *testing.T, edits ...func(*v1alpha1.ComfyUIStudioSpec)) plan.Plan {
	t.Helper()

	return New(t, edits...).InAccount(Account)
}

// Release is one that is published.
func Release() plan.Release {
	return plan.Release{
		Image: "ghcr.io/comfyui-studio/studio-agent", Digest: "sha256:" + strings.Repeat("a1", 32),
		NodeDaemonSHA256: strings.Repeat("b2", 32), LambdaSHA256: strings.Repeat("c3", 32), ModelFetcherSHA256: strings.Repeat("d4", 32),
	}
}
