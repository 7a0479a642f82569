// Package renovate holds the repository's Renovate configuration to its files: a
// pin that no manager finds is never updated, and nobody is told.
package renovate

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type manager struct {
	Description         string   `json:"description"`
	CustomType          string   `json:"customType"`
	ManagerFilePatterns []string `json:"managerFilePatterns"`
	MatchStrings        []string `json:"matchStrings"`
	DepNameTemplate     string   `json:"depNameTemplate"`
	DatasourceTemplate  string   `json:"datasourceTemplate"`
}

type config struct {
	CustomManagers []manager `json:"customManagers"`
	Crossplane     struct {
		ManagerFilePatterns []string `json:"managerFilePatterns"`
	} `json:"crossplane"`
}

func read(t *testing.T) config {
	t.Helper()

	b, err := os.ReadFile("../../renovate.json")
	if err != nil {
		t.Fatal(err)
	}

	c := config{}
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}

	return c
}

// files are those of the repository that one of the patterns matches.
func files(t *testing.T, patterns []string) []string {
	t.Helper()

	var out []string

	for _, p := range patterns {
		// Renovate takes what stands between slashes as an expression.
		if !strings.HasPrefix(p, "/^") || !strings.HasSuffix(p, "$/") {
			t.Fatalf("the pattern %s does not name whole files", p)
		}

		match := regexp.MustCompile(strings.TrimSuffix(strings.TrimPrefix(p, "/"), "/"))
		found := 0

		err := fs.WalkDir(os.DirFS("../.."), ".", func(path string, e fs.DirEntry, err error) error {
			if e.IsDir() && (path == "_output" || path == ".git") {
				return fs.SkipDir
			}

			if match.MatchString(path) {
				out = append(out, path)
				found++
			}

			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		if found == 0 {
			t.Errorf("the pattern %s matches no file", p)
		}
	}

	return out
}

// TestCustomManagers holds each custom manager to the pins that it is there for.
func TestCustomManagers(t *testing.T) {
	version := regexp.MustCompile(`^(v?[0-9]+(\.[0-9]+)+|v[0-9]{8})$`)

	// How often each dependency is pinned: a second pin that is not found goes stale.
	want := map[string]int{
		"public.ecr.aws/karpenter/karpenter":     1,
		"nvidia-device-plugin":                   1,
		"awslabs/amazon-eks-ami":                 1,
		"comfyanonymous/ComfyUI":                 1,
		"crossplane/crossplane":                  2,
		"crossplane-contrib/provider-kubernetes": 2,
		"crossplane-contrib/provider-helm":       2,
		"awscli":                                 1,
	}
	got := map[string]int{}

	for _, m := range read(t).CustomManagers {
		if m.CustomType != "regex" || m.DatasourceTemplate == "" {
			t.Errorf("%s: the manager is no complete one", m.Description)
		}

		for _, file := range files(t, m.ManagerFilePatterns) {
			b, err := os.ReadFile("../../" + file)
			if err != nil {
				t.Fatal(err)
			}

			for _, s := range m.MatchStrings {
				match := regexp.MustCompile(s)

				all := match.FindAllStringSubmatch(string(b), -1)
				if len(all) == 0 {
					t.Errorf("%s: %s has no pin that the manager finds", m.Description, file)
				}

				for _, found := range all {
					name := m.DepNameTemplate
					if i := match.SubexpIndex("depName"); i > 0 {
						name = found[i]
					}

					if v := found[match.SubexpIndex("currentValue")]; !version.MatchString(v) {
						t.Errorf("%s: %q in %s is no version", m.Description, v, file)
					}

					got[name]++
				}
			}
		}
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pins that the managers find: -want, +got:\n%s", diff)
	}
}

// TestPackages holds Renovate's own manager for Crossplane to our packages.
func TestPackages(t *testing.T) {
	found := false

	for _, file := range files(t, read(t).Crossplane.ManagerFilePatterns) {
		b, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}

		found = found || strings.Contains(string(b), "provider-aws-ec2")
	}

	if !found {
		t.Error("no package that the manager looks at depends on the provider")
	}
}
