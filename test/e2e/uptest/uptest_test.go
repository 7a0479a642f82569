// Package uptest holds what make e2e does around uptest in AWS, where it costs money
// and no test can go: the questions that it asks before and after.
package uptest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// script runs one of the scripts, and returns what it says and its exit code.
func script(t *testing.T, env []string, name string, args ...string) (string, int) {
	t.Helper()

	bin, err := filepath.Abs("testdata/bin")
	if err != nil {
		t.Fatal(err)
	}

	cmd := exec.CommandContext(t.Context(), "./"+name, args...)
	cmd.Env = append(os.Environ(), append(env, "PATH="+bin+":"+os.Getenv("PATH"))...)

	out, err := cmd.CombinedOutput()

	exit := &exec.ExitError{}
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}

	return string(out), cmd.ProcessState.ExitCode()
}

// TestOrphans holds that what a run left behind in AWS fails it, that so does what
// could not be asked for, and that what is merely still listed does not.
func TestOrphans(t *testing.T) {
	cases := map[string]struct {
		reason string
		want   string
		fails  bool
	}{
		"nothing":  {"All is gone.", "", false},
		"bucket":   {"A bucket is in the index; a NAT gateway is there for an hour after its end.", "arn:aws:s3:::e2e-1-models", true},
		"instance": {"Instances are asked for at EC2.", "i-1\ni-2", true},
		"nat":      {"So are NAT gateways.", "nat-1", true},
		"role":     {"Roles are in no index.", "e2e-1-cluster", true},
		"index":    {"An instance that only the index has is gone.", "", false},
		"denied":   {"Nobody knows what is left.", "AccessDenied", true},
		"unlisted": {"The index alone did not answer.", "", true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out, code := script(t, []string{"AWS_PLAY=" + name, "E2E_CLOUD=aws", "E2E_NAMESPACE=e2e", "E2E_NAME=e2e-1", "E2E_REGION=eu-west-1"}, "orphans.sh")
			if (code != 0) != tc.fails || !strings.Contains(out, tc.want) || strings.Contains(out, "natgateway") {
				t.Errorf("%s want %q (fails: %t), got code %d:\n%s", tc.reason, tc.want, tc.fails, code, out)
			}
		})
	}
}

// TestGuard holds that nothing starts in AWS unless somebody who knows what it costs
// asks for it, nor beside what another run left.
func TestGuard(t *testing.T) {
	bin, err := filepath.Abs("testdata/bin")
	if err != nil {
		t.Fatal(err)
	}

	cases := map[string]struct {
		reason string
		cloud  string
		env    []string
		want   []string
		code   int
	}{
		"Unasked":   {"It says what it takes, and does nothing.", "aws", nil, []string{"context production", "USD", "minutes", "E2E_CONFIRM=yes"}, 2},
		"Elsewhere": {"There are two places.", "gcp", nil, []string{"bed or aws"}, 2},
		"Left":      {"What another run left costs already.", "aws", []string{"E2E_CONFIRM=yes", "AWS_PLAY=nothing", "KUBECTL_PLAY=comfyuistudio/e2e-1"}, []string{"another run left this behind", "comfyuistudio/e2e-1"}, 1},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out, code := script(t, append(tc.env, "E2E_KUBECTL="+filepath.Join(bin, "kubectl")), "run.sh", tc.cloud, "", "")
			if code != tc.code {
				t.Errorf("%s want code %d, got %d:\n%s", tc.reason, tc.code, code, out)
			}

			for _, want := range tc.want {
				if !strings.Contains(out, want) {
					t.Errorf("%s want %q in:\n%s", tc.reason, want, out)
				}
			}
		})
	}
}
