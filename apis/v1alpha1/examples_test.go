package v1alpha1_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

func TestExamples(t *testing.T) {
	a := newAdmission(t)
	used := map[string]bool{}
	for _, f := range readClaims(t, "../../examples") {
		t.Run(f.Name, func(t *testing.T) {
			for _, c := range append(f.Others, f.Claim) {
				f.Claim = c
				if diff := cmp.Diff([]string(nil), admit(a, f), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("An API server accepts every example.\nadmit(...): -want, +got:\n%s", diff)
				}
			}
		})
		if f.Name == "full" {
			fields("", f.Claim.Object, used)
		}
	}

	// A ready image and one that is built exclude each other.
	used[".spec.image.uri"] = true
	visit("", rootSchema(t), func(path string, _ extv1.JSONSchemaProps) {
		if strings.HasPrefix(path, ".spec") && !strings.HasSuffix(path, "{}") && !used[path] {
			t.Errorf("full.yaml does not use %s", path)
		}
	})
}

// fields notes the path of every field that is set, as visit writes paths.
func fields(path string, v any, used map[string]bool) {
	used[path] = true
	switch v := v.(type) {
	case map[string]any:
		for name, field := range v {
			fields(path+"."+name, field, used)
		}
	case []any:
		for _, item := range v {
			fields(path+"[]", item, used)
		}
	}
}
