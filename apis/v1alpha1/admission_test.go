package v1alpha1_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/apis/admission"
	"github.com/comfyui-studio/comfyui-studio/apis/claims"
)

var update = flag.Bool("update", false, "rewrite the messages in testdata/refused")

func newAdmission(t *testing.T) *admission.Admission {
	t.Helper()
	b, err := os.ReadFile("../comfyuistudios/definition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a, err := admission.New(b)
	if err != nil {
		t.Fatalf("an API server refuses the definition: %v", err)
	}
	return a
}

func readClaims(t *testing.T, dir string) []claims.File {
	t.Helper()
	files, err := claims.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// admit applies a claim, to nothing or to the claim that is there, and returns
// what kubectl would print.
func admit(a *admission.Admission, f claims.File) []string {
	var msgs []string
	for _, path := range a.Unknown(f.Claim) {
		msgs = append(msgs, fmt.Sprintf("unknown field %q", path))
	}
	errs := a.Create(f.Claim)
	if old := f.Old(); old != nil {
		errs = a.Update(f.Claim, old)
	}
	for _, err := range errs {
		msgs = append(msgs, err.Error())
	}
	return msgs
}

func TestRefused(t *testing.T) {
	a := newAdmission(t)
	for _, f := range readClaims(t, "testdata/refused") {
		t.Run(f.Name, func(t *testing.T) {
			got := admit(a, f)
			if *update {
				rewrite(t, filepath.Join("testdata/refused", f.Name+".yaml"), got)
				return
			}
			if len(f.Refused) == 0 {
				t.Error("the case does not say what it is refused with")
			}
			if diff := cmp.Diff(f.Refused, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("A claim that breaks a rule is refused with one sentence for each fault.\nadmit(...): -want, +got:\n%s", diff)
			}
			if old := f.Old(); old != nil {
				if diff := cmp.Diff([]string(nil), admit(a, claims.File{Claim: old}), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("Only the change is refused, the claim before it is accepted.\nadmit(...): -want, +got:\n%s", diff)
				}
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	a := newAdmission(t)
	for _, f := range readClaims(t, "testdata/accepted") {
		t.Run(f.Name, func(t *testing.T) {
			states := append(slices.Clone(f.Before), f.Claim)
			for i := range states {
				step := claims.File{Claim: states[i], Before: states[:i]}
				if diff := cmp.Diff([]string(nil), admit(a, step), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("A good claim is accepted, document %d.\nadmit(...): -want, +got:\n%s", i, diff)
				}
			}
		})
	}
}

// TestSkippedMinor is apart from the cases, since no claim can be made to skip a
// minor version while the definition knows only two. A stored claim can, once its
// version has left the list.
func TestSkippedMinor(t *testing.T) {
	a := newAdmission(t)
	claim := func(version string) *unstructured.Unstructured {
		f, err := claims.Parse([]byte(`{apiVersion: aws.comfyui-studio.io/v1alpha1, kind: ComfyUIStudio, metadata: {name: tokyo, namespace: art},
			spec: {region: ap-northeast-1, kubernetes: {version: "` + version + `"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		return f.Claim
	}
	cases := map[string]struct {
		reason   string
		from, to string
		want     []string
	}{
		"Skipped": {
			reason: "EKS upgrades by one minor version at a time.",
			from:   "1.34", to: "1.36",
			want: []string{`spec.kubernetes.version: Invalid value: "1.36": ` + skippedMinor},
		},
		"Next": {
			reason: "The next minor version is accepted, also from one that has left the list.",
			from:   "1.34", to: "1.35",
		},
		"Unchanged": {
			reason: "A version that has left the list does not keep a studio from other changes.",
			from:   "1.34", to: "1.34",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := admit(a, claims.File{Before: []*unstructured.Unstructured{claim(tc.from)}, Claim: claim(tc.to)})
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nadmit(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

const skippedMinor = "spec.kubernetes.version goes up one minor version at a time, because EKS upgrades so: set the next minor version, wait for ClusterReady, then go on"

// rewrite puts messages in place of those at the top of a case.
func rewrite(t *testing.T, path string, msgs []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bytes.HasPrefix(b, []byte("# Refused: ")) {
		_, b, _ = bytes.Cut(b, []byte("\n"))
	}
	out := &bytes.Buffer{}
	for _, m := range msgs {
		out.WriteString("# Refused: " + m + "\n")
	}
	out.Write(b)
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
