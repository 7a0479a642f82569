package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/view"
)

func TestRunWithoutBed(t *testing.T) {
	var out, errs bytes.Buffer
	code := run(t.Context(), cli{Bed: t.TempDir(), Claim: "none.yaml"}, &out, &errs)
	if code != 1 || !strings.Contains(errs.String(), "bed up") {
		t.Errorf("run(...): want exit code 1 and how to start a bed, got %d and %q", code, errs.String())
	}
}

func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := run(ctx, cli{Bed: t.TempDir()}, &out, &errs); code != 130 {
		t.Errorf("run(...): want exit code 130, got %d", code)
	}
}

func TestReadClaim(t *testing.T) {
	cases := map[string]struct {
		reason string
		yaml   string
		want   string
		err    string
	}{
		"Alone": {
			reason: "A claim is found.",
			yaml:   "kind: ComfyUIStudio\nmetadata: {name: tokyo, namespace: art}\n",
			want:   "art/tokyo",
		},
		"BesideOthers": {
			reason: "A claim is found among other objects, and gets kubectl's namespace when it names none.",
			yaml:   "# first\n---\nkind: Namespace\nmetadata: {name: art}\n---\nkind: ComfyUIStudio\nmetadata: {name: tokyo}\n",
			want:   "default/tokyo",
		},
		"None": {reason: "A file without a claim is refused.", yaml: "kind: Namespace\n", err: "holds no ComfyUIStudio"},
		"Bad":  {reason: "What is no YAML is refused.", yaml: "kind: [\n", err: "cannot decode"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "claim.yaml")
			if err := os.WriteFile(file, []byte(tc.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			u, err := readClaim(file)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("%s\nreadClaim(...): want an error with %q, got %v", tc.reason, tc.err, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, u.GetNamespace()+"/"+u.GetName()); diff != "" {
				t.Errorf("%s\nreadClaim(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	cases := map[string]struct {
		reason string
		c      cli
		want   view.Limits
	}{
		"Defaults": {
			reason: "Limits follow from what is expected.",
			c:      cli{Expected: 20 * time.Minute},
			want:   view.Limits{Timeout: time.Hour, Stuck: 20 * time.Minute},
		},
		"Given": {
			reason: "What is given counts.",
			c:      cli{Expected: 20 * time.Minute, Timeout: time.Minute, Stuck: time.Second},
			want:   view.Limits{Timeout: time.Minute, Stuck: time.Second},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.c.limits()); diff != "" {
				t.Errorf("%s\nlimits(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
