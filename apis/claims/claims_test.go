package claims

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestParse(t *testing.T) {
	claim := func(region string, size int64) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"kind": "ComfyUIStudio", "spec": map[string]any{"region": region, "size": size}}}
	}
	cases := map[string]struct {
		reason string
		in     string
		want   File
		err    string
	}{
		"One": {
			reason: "One document is the claim; numbers stay integers.",
			in:     "# A studio.\nkind: ComfyUIStudio\nspec: {region: a, size: 1}\n",
			want:   File{Claim: claim("a", 1)},
		},
		"Several": {
			reason: "The last document is the claim, the others are its earlier states.",
			in:     "# Refused: spec.region: no\n# Refused: spec.size: no\n---\nkind: ComfyUIStudio\nspec: {region: a, size: 1}\n---\n# Later.\n---\nkind: ComfyUIStudio\nspec: {region: b, size: 2}\n",
			want:   File{Before: []*unstructured.Unstructured{claim("a", 1)}, Claim: claim("b", 2), Refused: []string{"spec.region: no", "spec.size: no"}},
		},
		"Two": {
			reason: "A claim of another name is not an earlier state.",
			in:     "kind: ComfyUIStudio\nmetadata: {name: a}\n---\nkind: ComfyUIStudio\nmetadata: {name: b}\n",
			want: File{
				Others: []*unstructured.Unstructured{{Object: map[string]any{"kind": "ComfyUIStudio", "metadata": map[string]any{"name": "a"}}}},
				Claim:  &unstructured.Unstructured{Object: map[string]any{"kind": "ComfyUIStudio", "metadata": map[string]any{"name": "b"}}},
			},
		},
		"Secret": {
			reason: "What is no claim is passed over.",
			in:     "kind: ComfyUIStudio\nspec: {region: a, size: 1}\n---\nkind: Secret\n",
			want:   File{Claim: claim("a", 1)},
		},
		"Empty": {
			reason: "A file with no claim is a mistake.",
			in:     "# Nothing.\n",
			err:    "there is no claim in it",
		},
		"TwiceTheSameKey": {
			reason: "A key that is given twice is a mistake.",
			in:     "kind: ComfyUIStudio\nkind: ComfyUIStudio\n",
			err:    `key "kind" already set`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(tc.in))
			if (err == nil) != (tc.err == "") || (err != nil && !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("%s\nParse(...): want an error with %q, got %v", tc.reason, tc.err, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nParse(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRead(t *testing.T) {
	fsys := fstest.MapFS{
		"b.yaml":   {Data: []byte("{kind: ComfyUIStudio, spec: {region: b}}")},
		"a.yaml":   {Data: []byte("{kind: ComfyUIStudio, spec: {region: a}}")},
		"README":   {Data: []byte("kind: C")},
		"sub/d.md": {Data: []byte("kind: D")},
	}
	got, err := Read(fsys)
	if err != nil {
		t.Fatal(err)
	}
	want := []File{
		{Name: "a", Claim: &unstructured.Unstructured{Object: map[string]any{"kind": "ComfyUIStudio", "spec": map[string]any{"region": "a"}}}},
		{Name: "b", Claim: &unstructured.Unstructured{Object: map[string]any{"kind": "ComfyUIStudio", "spec": map[string]any{"region": "b"}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read takes YAML files, in order.\nRead(...): -want, +got:\n%s", diff)
	}
	if _, err := Read(fstest.MapFS{}); err == nil {
		t.Error("A folder with no claims is a mistake, or a test over it would pass on nothing.")
	}
}
