package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/saved"
	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/smoke"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/run"
	"github.com/comfyui-studio/comfyui-studio/gateway/run/runtest"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret/secrettest"
	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

const apiToken = "correct-horse-battery-staple"

// call runs a command line, and returns how it exits, its output and what it says.
func call(t *testing.T, args ...string) (int, string, string) {
	t.Helper()

	return callWith(t, "", args...)
}

func callWith(t *testing.T, in string, args ...string) (int, string, string) {
	t.Helper()

	var out, log bytes.Buffer

	code := Main(t.Context(), args, strings.NewReader(in), &out, &log)

	return code, out.String(), log.String()
}

// alone has nothing of the user's in the environment.
func alone(t *testing.T) {
	t.Helper()

	for _, name := range []string{"COMFY_URL", "COMFY_TOKEN", "KUBECONFIG"} {
		t.Setenv(name, "")
	}

	t.Setenv("COMFYCTL_CONFIG", filepath.Join(t.TempDir(), "comfyctl", "config.yaml"))
}

// frontDoor runs a studio's real front door before a cluster whose pool is asleep.
func frontDoor(t *testing.T) (string, *runtest.Cluster) {
	t.Helper()

	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It is there at once.
		if err != nil {
			t.Fatal(err)
		}

		return l
	}

	path := filepath.Join(t.TempDir(), "config.json")
	config := `{"studio":"art/tokyo","region":"ap-northeast-1","pools":[{"name":"default","min":0,"max":1}],"login":{"mode":"Password"},"edge":{"cdn":false,"encrypted":false},"parameters":{"frontDoor":"front-door","apiTokens":"tokens"}}`

	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}

	k := runtest.New(t)
	traffic, health := listen(), listen()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)

	go func() {
		done <- run.Run(ctx, run.Options{
			ConfigFile: path, HealthPort: 1, Kubernetes: k, Namespace: runtest.Namespace, Pod: "front-door-0", Address: "127.0.0.1",
			Parameters: func(context.Context, string) (secret.Source, error) {
				return secrettest.Source{"front-door": string(secrets.Data(strings.Repeat("0123456789abcdef", 2))[secrets.KeyFrontDoor]), "tokens": "ci=" + apiToken}, nil
			},
			Log: slog.New(slog.DiscardHandler), Traffic: traffic, Health: health,
		})
	}()

	t.Cleanup(func() {
		stop()

		if err := <-done; err != nil {
			t.Errorf("The front door ended: %v", err)
		}
	})

	for {
		res, err := http.Get("http://" + health.Addr().String() + "/readyz") //nolint:noctx // It is there.
		if err == nil {
			_ = res.Body.Close()

			if res.StatusCode == http.StatusOK {
				return "http://" + traffic.Addr().String(), k
			}
		}

		time.Sleep(5 * time.Millisecond)
	}
}

// TestFrontDoor takes every way through the real front door: no token, a status that
// wakes nothing, a run that wakes the studio, and a smoke test.
func TestFrontDoor(t *testing.T) {
	alone(t)

	url, k := frontDoor(t)

	if code, _, log := call(t, "run", file(t, good), "--url", url, "-o", t.TempDir()); code != exitUnauthorized {
		t.Errorf("Nobody gets in without a token.\nwant %d, got %d: %s", exitUnauthorized, code, log)
	}

	if code, _, log := call(t, "status", "--url", url, "--token", "not-a-token-that-anybody-knows"); code != exitUnauthorized {
		t.Errorf("Nor with a wrong one.\nwant %d, got %d: %s", exitUnauthorized, code, log)
	}

	t.Setenv("COMFY_TOKEN", apiToken)

	if code, out, log := call(t, "status", "--url", url); code != 0 || k.Scales() != 0 {
		t.Errorf("A status wakes nothing: %d, %d times scaled: %s%s", code, k.Scales(), out, log)
	}

	code, out, log := call(t, "run", file(t, good), "--url", url, "-o", t.TempDir())
	if code != 0 || !strings.HasSuffix(out, "good_00001_.png\n") || k.Scales() == 0 {
		t.Errorf("A run wakes the studio and brings back its file: %d, %d times scaled: %s%s", code, k.Scales(), out, log)
	}

	if !strings.Contains(log, "waiting: the studio is waking up\n") {
		t.Errorf("What is waited for is told:\n%s", log)
	}

	code, out, log = call(t, "run", file(t, boom), "--url", url, "-o", t.TempDir())
	if code != exitFailed || !strings.Contains(log, "the workflow failed at node 2 (Boom): ValueError: boom") {
		t.Errorf("A failure comes through: %d: %s%s", code, out, log)
	}

	code, out, log = call(t, "smoke", "--url", url, "--json")

	got := struct {
		Runs []smoke.Run `json:"runs"`
	}{}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || len(got.Runs) != 2 {
		t.Fatalf("A smoke test ends well: %d: %s%s", code, out, log)
	}

	if len(got.Runs[0].Stages) < 3 || got.Runs[1].Skipped == "" {
		t.Errorf("Each stage is timed, and what cannot run is said to be left out: %s", out)
	}

	if code, _, log := call(t, "smoke", "--url", url, "--require-models"); code != exitFailed || !strings.Contains(log, "comfyctl models push sdxl") {
		t.Errorf("Models that are asked for must be there: %d: %s", code, log)
	}
}

// cluster is a management cluster that knows a claim and its Secret, and answers
// who brings the right token.
func cluster(t *testing.T, studio *v1alpha1.ComfyUIStudio, tokens string) string {
	t.Helper()

	mux := http.NewServeMux()
	answer := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer of-the-kubeconfig" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}

			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v)
		}
	}

	mux.HandleFunc("GET /apis/aws.comfyui-studio.io/v1alpha1/namespaces/art/comfyuistudios/tokyo", answer(studio))
	mux.HandleFunc("GET /api/v1/namespaces/art/secrets/programs", answer(corev1.Secret{Data: map[string][]byte{"tokens": []byte(tokens)}}))

	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)

	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: of-the-kubeconfig}}]
contexts: [{name: c, context: {cluster: c, user: u, namespace: art}}]
`, server.URL)

	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	return path
}

func tokyo(url string) *v1alpha1.ComfyUIStudio {
	s := &v1alpha1.ComfyUIStudio{ObjectMeta: metav1.ObjectMeta{Name: "tokyo", Namespace: "art"}}
	s.Spec.Access.APITokensSecretRef = &v1alpha1.TokensSecretRef{Name: "programs", Key: "tokens"}
	s.Status = v1alpha1.ComfyUIStudioStatus{
		URL: url, Servers: "0/1", LoginSecretRef: &v1alpha1.SecretRef{Name: "tokyo-login"},
		Cost:       &v1alpha1.CostStatus{HourlyUSD: "1.40", IdleHourlyUSD: "0.42"},
		Conditions: []metav1.Condition{{Type: "WorkloadReady", Status: metav1.ConditionTrue, Reason: "Asleep", Message: "nobody needs a server"}},
	}

	return s
}

// TestClaim finds a studio by its claim: address, token, status and page.
func TestClaim(t *testing.T) {
	alone(t)

	url, _ := frontDoor(t)
	t.Setenv("KUBECONFIG", cluster(t, tokyo(url), "# programs\nhidden=sha256:00\nci="+apiToken+"\nother=x\n"))

	code, out, log := call(t, "run", file(t, good), "--studio", "art/tokyo", "-o", t.TempDir())
	if code != 0 || !strings.HasSuffix(out, "good_00001_.png\n") {
		t.Errorf("The claim's Secret has the token: %d: %s%s", code, out, log)
	}

	if code, _, log := call(t, "queue", "--studio", "art/tokyo", "--token-name", "other"); code != exitUnauthorized {
		t.Errorf("The token that is named is taken.\nwant %d, got %d: %s", exitUnauthorized, code, log)
	}

	// Without a namespace it is the kubeconfig's.
	code, out, log = call(t, "status", "--studio", "tokyo")
	for _, want := range []string{url + " answers", "1.40 USD an hour, 0.42 asleep", "WorkloadReady", "nobody needs a server"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("A status shows the claim too: want %q in\n%s%s", want, out, log)
		}
	}

	code, out, log = call(t, "open", "--print", "--studio", "art/tokyo")
	if code != 0 || out != url+"\n" || !strings.Contains(log, "kubectl get secret -n art tokyo-login") {
		t.Errorf("The page's address and the way to the password are told: %d: %s%s", code, out, log)
	}

	if code, _, log := call(t, "status", "--studio", "art/osaka"); code != exitFailed || !strings.Contains(log, "there is no studio art/osaka in this cluster") {
		t.Errorf("A studio that is not there is said so: %d: %s", code, log)
	}
}

// TestClaimWithout holds what is said of a studio that is not far enough.
func TestClaimWithout(t *testing.T) {
	alone(t)

	young, closed := tokyo(""), tokyo("http://127.0.0.1:1")
	closed.Spec.Access.APITokensSecretRef = nil

	cases := map[string]struct {
		reason string
		studio *v1alpha1.ComfyUIStudio
		tokens string
		args   []string
		code   int
		says   string
	}{
		"Young":  {"A studio without an address cannot be asked.", young, "", []string{"queue"}, exitFailed, "studio art/tokyo has no address yet"},
		"Status": {"Its status can.", young, "", []string{"status"}, 0, ""},
		"Closed": {"A studio without tokens lets no program in.", closed, "", []string{"queue"}, exitFailed, "spec.access.apiTokensSecretRef names no Secret"},
		"Hashed": {"A hash is no token.", tokyo("http://127.0.0.1:1"), "ci=sha256:00\n", []string{"queue"}, exitFailed, "holds no token in clear that comfyctl could use: give one with --token"},
		"Bucket": {"A studio without a bucket has no models.", young, "", []string{"models", "ls"}, exitFailed, "studio art/tokyo has no models bucket yet"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", cluster(t, tc.studio, tc.tokens))

			code, out, log := call(t, append(tc.args, "--studio", "art/tokyo")...)
			if code != tc.code || !strings.Contains(log, tc.says) {
				t.Errorf("%s\nwant %d and %q, got %d and:\n%s%s", tc.reason, tc.code, tc.says, code, out, log)
			}
		})
	}
}

// TestContexts saves studios, and keeps their tokens to whom they are for.
func TestContexts(t *testing.T) {
	alone(t)

	_, address := comfytest.Start(t, comfytest.Options{})
	door, _ := frontDoor(t)

	steps := []struct {
		reason, in string
		args       []string
		code       int
		out, says  string
	}{
		{"Nothing is guessed.", "", []string{"queue"}, exitUsage, "", "which studio? Give --url"},
		{"A server that wants no token is saved without one.", "", []string{"login", "plain", "--url", address, "--no-token"}, 0, "", "saved plain"},
		{"A wrong token is not saved.", "not-a-token-that-anybody-knows\n", []string{"login", "tokyo", "--url", door}, exitUnauthorized, "", "add --unchecked"},
		{"A token comes by standard input.", apiToken + "\n", []string{"login", "tokyo", "--url", door}, 0, "", "saved tokyo, which is the current one now"},
		{"The current one is asked.", "", []string{"status"}, 0, door + " answers; prompts waiting or running: 0\n", ""},
		{"Another can be named.", "", []string{"queue", "--context", "plain"}, 0, "", ""},
		{"They are listed without tokens.", "", []string{"contexts"}, 0, "  plain  " + address + "\n* tokyo  " + door + "\n", ""},
		{"A saved token goes nowhere else.", "", []string{"queue", "--url", door}, exitUnauthorized, "", ""},
		{"Another can be current.", "", []string{"contexts", "plain"}, 0, "", ""},
		{"It is asked then.", "", []string{"status"}, 0, address + " answers; prompts waiting or running: 0\n", ""},
		{"One that is not there is said so.", "", []string{"queue", "--context", "osaka"}, exitUsage, "", `there is no context "osaka", but plain, tokyo`},
		{"One can be forgotten.", "", []string{"logout", "plain"}, 0, "", ""},
		{"Then none is current.", "", []string{"queue"}, exitUsage, "", "which studio?"},
		{"Two at once are none.", "", []string{"queue", "--url", door, "--context", "tokyo"}, exitUsage, "", "give one of --url, --studio and --context"},
	}
	for _, s := range steps {
		code, out, log := callWith(t, s.in, s.args...)
		if code != s.code || out != s.out || !strings.Contains(log, s.says) {
			t.Errorf("%s\nwant %d, %q and %q, got %d, %q and:\n%s", s.reason, s.code, s.out, s.says, code, out, log)
		}
	}

	path, err := saved.Path()
	if err != nil {
		t.Fatal(err)
	}

	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("There is a token in it, so it is its owner's alone: %v %v", info.Mode(), err)
	}
}

// TestWait: what a run that was stopped left in the queue is brought back later.
func TestWait(t *testing.T) {
	server, address := comfytest.Start(t, comfytest.Options{})
	server.Hold()

	ctx, stop := context.WithCancel(t.Context())
	log := &stopper{stop: stop}

	if code := Main(ctx, []string{"run", file(t, good), "--url", address, "-o", t.TempDir()}, strings.NewReader(""), &bytes.Buffer{}, log); code != exitInterrupted || log.id == "" {
		t.Fatalf("want %d, got %d: %s", exitInterrupted, code, log.String())
	}

	server.Release()

	code, out, text := call(t, "wait", log.id, "--url", address, "-o", t.TempDir())
	if code != 0 || !strings.HasSuffix(out, "good_00001_.png\n") {
		t.Errorf("want its file, got %d: %s%s", code, out, text)
	}

	if code, _, text := call(t, "wait", "00000000-0000-4000-8000-000000000000", "--url", address, "-o", t.TempDir()); code != exitLost {
		t.Errorf("What nobody knows is lost: %d: %s", code, text)
	}
}

// stopper stops a run once it is queued.
type stopper struct {
	bytes.Buffer

	stop func()
	id   string
}

func (s *stopper) Write(b []byte) (int, error) {
	if id, ok := strings.CutPrefix(string(b), "queued "); ok {
		s.id = strings.TrimSpace(id)
		s.stop()
	}

	return s.Buffer.Write(b)
}
