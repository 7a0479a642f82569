package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/comfyui-studio/comfyui-studio/internal/preview"
)

const definition = "../../apis/comfyuistudios/definition.yaml"

// built is the function as this test builds it.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "function")
	if err != nil {
		return "", err
	}

	binary := filepath.Join(dir, "compose-comfyui")
	out, err := exec.Command("go", "build", "-o", binary, "../../functions/compose-comfyui").CombinedOutput()

	return binary, errors.Join(err, errorOf(out))
})

func errorOf(out []byte) error {
	if len(out) == 0 {
		return nil
	}

	return errors.New(string(out))
}

func renderTest(t *testing.T, o options) ([]*unstructured.Unstructured, error) {
	t.Helper()

	var err error
	if o.function, err = built(); err != nil {
		t.Fatal(err)
	}

	o.definition = definition

	b := &bytes.Buffer{}
	if err := run(t.Context(), o, b); err != nil {
		return nil, err
	}

	return documents(t, b), nil
}

// documents are those of a YAML stream, which must hold nothing else.
func documents(t *testing.T, r io.Reader) []*unstructured.Unstructured {
	t.Helper()

	var out []*unstructured.Unstructured

	d := utilyaml.NewYAMLOrJSONDecoder(r, 4096)

	for {
		o := &unstructured.Unstructured{}

		err := d.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return out
		}

		if err != nil {
			t.Fatal(err)
		}

		if o.GetKind() == "" || o.GetAPIVersion() == "" || o.GetName() == "" || o.GetNamespace() == "" || o.GetAnnotations()[preview.KeyAnnotation] == "" {
			t.Errorf("no whole object: %v", o.Object)
		}

		out = append(out, o)
	}
}

func keys(objects []*unstructured.Unstructured) map[string]bool {
	out := map[string]bool{}
	for _, o := range objects {
		out[o.GetAnnotations()[preview.KeyAnnotation]] = true
	}

	return out
}

// TestRounds prints the first round, or all of it.
func TestRounds(t *testing.T) {
	first, err := renderTest(t, options{claim: "../../examples/full.yaml"})
	if err != nil {
		t.Fatal(err)
	}

	all, err := renderTest(t, options{claim: "../../examples/full.yaml", all: true})
	if err != nil {
		t.Fatal(err)
	}

	got := keys(first)
	for key, want := range map[string]bool{"network-vpc": true, "cluster-role": true, "cluster-eks": false, "edge-distribution": false} {
		if got[key] != want {
			t.Errorf("The first round holds what waits for nothing.\n%s: want %t, got %t", key, want, got[key])
		}
	}

	got = keys(all)
	for _, key := range []string{"cluster-eks", "edge-distribution", "workload-front-door", "capacity-karpenter", "usage-cluster-eks-by-cluster-system-nodes"} {
		if !got[key] {
			t.Errorf("The complete set holds all that a studio is made of.\n%s is missing", key)
		}
	}

	for key := range keys(first) {
		if !got[key] {
			t.Errorf("What the first round makes is still there at the end.\n%s is missing", key)
		}
	}
}

// TestObserved goes on from what is there.
func TestObserved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "observed.yaml")
	vpc := `
apiVersion: ec2.aws.m.upbound.io/v1beta1
kind: VPC
metadata:
  name: a-name-of-its-own
  annotations: {crossplane.io/composition-resource-name: network-vpc}
status:
  conditions: [{type: Ready, status: "True"}]
`

	if err := os.WriteFile(file, []byte(vpc), 0o600); err != nil {
		t.Fatal(err)
	}

	got, err := renderTest(t, options{claim: "../../examples/minimal.yaml", observed: file})
	if err != nil {
		t.Fatal(err)
	}

	var gateway *unstructured.Unstructured

	for _, o := range got {
		if o.GetAnnotations()[preview.KeyAnnotation] == "network-internet-gateway" {
			gateway = o
		}
	}

	if gateway == nil {
		t.Fatal("With the VPC there, its gateway is the next.\nnetwork-internet-gateway is missing")
	}

	ref, _, _ := unstructured.NestedString(gateway.Object, "spec", "forProvider", "vpcIdRef", "name")
	if diff := cmp.Diff("a-name-of-its-own", ref); diff != "" {
		t.Errorf("It refers to the VPC by the name that it has.\nvpcIdRef: -want, +got:\n%s", diff)
	}
}

// TestRefused holds that a claim that nobody could apply is refused in the same
// words, and prints nothing.
func TestRefused(t *testing.T) {
	claim := func(spec string) string {
		return "apiVersion: aws.comfyui-studio.io/v1alpha1\nkind: ComfyUIStudio\nmetadata: {name: tokyo}\nspec: " + spec
	}

	cases := map[string]struct {
		reason string
		claim  string
		want   string
	}{
		"Rule": {
			reason: "By a rule of the definition.",
			claim:  claim("{region: ap-northeast-1, access: {login: OIDC}}"),
			want:   "ComfyUIStudio.aws.comfyui-studio.io \"tokyo\" is invalid: spec.access: Invalid value: spec.access.login OIDC needs spec.access.oidc: add issuer, clientID, clientSecretRef and who is allowed",
		},
		"Missing": {reason: "By its schema.", claim: claim("{}"), want: "spec.region: Required value"},
		"Unknown": {reason: "By kubectl.", claim: claim("{region: ap-northeast-1, regoin: a}"), want: `strict decoding error: unknown field "spec.regoin"`},
		"Plan":    {reason: "By the function.", claim: claim("{region: eu-east-9}"), want: `spec.region: "eu-east-9" is not in the catalogue`},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "claim.yaml")
			if err := os.WriteFile(file, []byte(tc.claim), 0o600); err != nil {
				t.Fatal(err)
			}

			_, err := renderTest(t, options{claim: file})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s\nrender: want an error that says %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

// TestNothingSecret holds that what is printed would open no studio: every value
// of the Secret is a placeholder, and so is the header that is derived from it.
func TestNothingSecret(t *testing.T) {
	got, err := renderTest(t, options{claim: "../../examples/minimal.yaml", all: true})
	if err != nil {
		t.Fatal(err)
	}

	seen := 0

	for _, o := range got {
		switch o.GetKind() {
		case "Secret":
			for k, v := range o.Object["data"].(map[string]any) {
				if b, _ := base64.StdEncoding.DecodeString(v.(string)); string(b) != preview.Placeholder {
					t.Errorf("Secret: %s holds %q", k, b)
				}

				seen++
			}
		case "Distribution":
			origins, _, _ := unstructured.NestedSlice(o.Object, "spec", "forProvider", "origin")
			header := origins[0].(map[string]any)["customHeader"].([]any)[0].(map[string]any)

			if header["value"] != preview.Placeholder {
				t.Errorf("Distribution: the header holds %v", header["value"])
			}

			seen++
		}
	}

	if seen < 2 {
		t.Errorf("There was nothing secret to begin with: %d values", seen)
	}
}
