package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/state"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/toy"
)

// mainEnv makes the test binary be the bed command.
const mainEnv = "BED_TEST_MAIN"

func TestMain(m *testing.M) {
	switch {
	case toy.Asked(os.Args):
		fmt.Println(toy.Main(os.Args))
		os.Exit(1)
	case os.Getenv(mainEnv) != "":
		main()
		os.Exit(0)
	default:
		os.Exit(m.Run())
	}
}

// command runs the bed command and returns what it printed.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()

	// Not the test's context: the last command runs in its clean-up.
	cmd := exec.CommandContext(context.Background(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), mainEnv+"=1")
	out, err := cmd.CombinedOutput()

	t.Logf("bed %s: %v\n%s", strings.Join(args, " "), err, out)

	return string(out), err
}

// must fails the test when a command fails or does not print want.
func must(t *testing.T, want string, args ...string) {
	t.Helper()

	out, err := command(t, args...)
	if err != nil || !strings.Contains(out, want) {
		t.Fatalf("bed %s: want %q, got %v", args[0], want, err)
	}
}

// mustNot fails the test when a command succeeds or does not print want.
func mustNot(t *testing.T, want string, args ...string) {
	t.Helper()

	out, err := command(t, args...)
	if err == nil || !strings.Contains(out, want) {
		t.Errorf("bed %s: want an error with %q, got %v", args[0], want, err)
	}
}

// TestLife takes the command through the life of a bed: twice up and down,
// once killed in between.
func TestLife(t *testing.T) {
	root, err := bed.FindRoot()
	if err != nil {
		t.Fatal(err)
	}

	// A copy, to change it later.
	apis := t.TempDir()
	if err := os.CopyFS(apis, os.DirFS(filepath.Join(root, "test", "e2e", "bed", "toy", "apis"))); err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	at := "--dir=" + dir
	up := []string{"up", at, "--detach", "--function=" + os.Args[0], "--apis=" + apis}

	t.Cleanup(func() {
		if _, err := command(t, "down", at); err != nil {
			t.Error(err)
		}
	})

	must(t, "no bed runs", "down", at)
	mustNot(t, "no bed runs", "status", at)

	must(t, "kubeconfig", append(up, "--scale=600", "--fault=vpc-refused")...)

	first := read(t, dir)
	if first.Scale != 600 || len(first.Groups) != 3 {
		t.Errorf("bed.json: want scale 600 and 3 process groups, got %+v", first)
	}

	checkServed(t, first)
	must(t, "a bed runs", "status", at)
	must(t, "the bed runs already", append(up, "--scale=600", "--fault=vpc-refused")...)
	mustNot(t, "other settings", append(up, "--scale=60")...)

	if err := os.WriteFile(filepath.Join(apis, "composition.yaml"), []byte("# changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	mustNot(t, "earlier build", append(up, "--scale=600", "--fault=vpc-refused")...)

	if err := os.CopyFS(filepath.Join(apis, "again"), os.DirFS(filepath.Join(root, "test", "e2e", "bed", "toy", "apis"))); err != nil {
		t.Fatal(err)
	}

	up[len(up)-1] = "--apis=" + filepath.Join(apis, "again")

	// Killed, it leaves a file that is not true and no process.
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}

	checkGone(t, first)
	mustNot(t, "no bed runs", "status", at)

	must(t, "kubeconfig", up...)

	second := read(t, dir)
	if second.PID == first.PID || second.Scale != bed.DefaultScale {
		t.Errorf("bed.json: want another process and scale %d, got %+v", bed.DefaultScale, second)
	}

	must(t, "the bed is gone", "down", at)
	checkGone(t, second)

	if _, err := os.Stat(filepath.Join(dir, "bed.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("bed.json: want it gone, got %v", err)
	}
}

func read(t *testing.T, dir string) state.State {
	t.Helper()

	s, running, err := state.Read(dir)
	if err != nil || !running || !s.Ready {
		t.Fatalf("Read(...): want a ready bed, got %+v, running %t, %v", s, running, err)
	}

	return s
}

func checkServed(t *testing.T, s state.State) {
	t.Helper()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Ledger, nil)
	if err != nil {
		t.Fatal(err)
	}

	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close()

	if rsp.StatusCode != http.StatusOK {
		t.Errorf("%s: want 200, got %s", s.Ledger, rsp.Status)
	}

	if _, err := os.Stat(s.Kubeconfig); err != nil {
		t.Error(err)
	}
}

func checkGone(t *testing.T, s state.State) {
	t.Helper()

	for name, group := range s.Groups {
		err := await(context.Background(), 5*time.Second, func() (bool, error) {
			alive, err := leash.Alive(group)
			return !alive, err
		})
		if err != nil {
			t.Errorf("process group of %s: %v", name, err)
		}
	}
}

func TestBadUse(t *testing.T) {
	at := "--dir=" + t.TempDir()

	cases := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"NoCommand":      {reason: "The usage is shown.", args: nil, want: "usage:"},
		"UnknownCommand": {reason: "The usage is shown.", args: []string{"fly"}, want: `unknown command "fly"`},
		"UnknownFlag":    {reason: "Flags are checked.", args: []string{"down", "--speed"}, want: "speed"},
		"Argument":       {reason: "Arguments are not ignored.", args: []string{"up", at, "now"}, want: `unexpected argument "now"`},
		"UnknownFault":   {reason: "A fault that does not exist must not be a demo without fault.", args: []string{"up", at, "--fault=rain"}, want: `unknown fault "rain"`},
		"NoFunction":     {reason: "What is not built is named with what builds it.", args: []string{"up", at, "--function=/nowhere"}, want: "make build"},
		"NoPackages":     {reason: "So are packages.", args: []string{"up", at, "--packages=/nowhere"}, want: "make bed-build"},
		"NoFunctionDetached": {
			reason: "The failure of a detached start is this process's failure, too.",
			args:   []string{"up", at, "--detach", "--function=/nowhere"}, want: "make build",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], tc.args...)
			cmd.Env = append(os.Environ(), mainEnv+"=1")

			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), tc.want) {
				t.Errorf("%s\nbed %v: want an error with %q, got %v\n%s", tc.reason, tc.args, tc.want, err, out)
			}
		})
	}
}
