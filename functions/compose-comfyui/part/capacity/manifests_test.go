package capacity

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/admission"
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestManifests holds what is put into the cluster to Karpenter's own CRDs, of
// the version that is installed: every field is known, and every rule holds.
func TestManifests(t *testing.T) {
	spot := func(p *v1alpha1.Pool) { p.Purchase = v1alpha1.PurchaseSpotThenOnDemand }
	p := newPlan(t, []v1alpha1.Pool{pool("default"), pool("a-pool-with-the-longest-name-tha", spot)})
	r := compose(t, p, known(), up(t, p, known()))

	for k, file := range map[kit.Key]string{
		plan.NodeClass("default"): "karpenter.k8s.aws_ec2nodeclasses.yaml", plan.NodePool("default"): "karpenter.sh_nodepools.yaml",
		plan.NodeClass("a-pool-with-the-longest-name-tha"): "karpenter.k8s.aws_ec2nodeclasses.yaml",
		plan.NodePool("a-pool-with-the-longest-name-tha"):  "karpenter.sh_nodepools.yaml",
	} {
		adm := karpenterCRD(t, file)

		// As an API server reads it: whole numbers are whole.
		j, err := json.Marshal(manifestOf(t, r, k))
		if err != nil {
			t.Fatal(err)
		}

		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(j); err != nil {
			t.Fatal(err)
		}

		if unknown := adm.Unknown(o); len(unknown) > 0 {
			t.Errorf("%s: unknown fields %v", k, unknown)
		}

		// Its metadata is validated as that of a namespaced object.
		o.SetNamespace("none")

		if errs := adm.Create(o); len(errs) > 0 {
			t.Errorf("%s: %v", k, errs.ToAggregate())
		}
	}
}

func karpenterCRD(t *testing.T, file string) *admission.Admission {
	t.Helper()

	out, err := exec.CommandContext(context.Background(), "go", "mod", "download", "-json", "github.com/aws/karpenter-provider-aws@v"+plan.KarpenterVersion).Output()
	if err != nil {
		t.Fatalf("cannot find Karpenter's module: %v", err)
	}

	m := struct {
		Dir string `json:"Dir"`
	}{}
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}

	b, err := os.ReadFile(filepath.Join(m.Dir, "pkg", "apis", "crds", file))
	if err != nil {
		t.Fatal(err)
	}

	crd := &extv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(b, crd); err != nil {
		t.Fatal(err)
	}

	adm, err := admission.ForCRD(crd)
	if err != nil {
		t.Fatal(err)
	}

	return adm
}
