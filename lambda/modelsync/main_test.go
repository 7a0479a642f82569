package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/lambda/runtimeapi"
)

// asProgram has the test's own binary be the Lambda.
const asProgram = "MODELSYNC_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}

	os.Exit(m.Run())
}

// manager plays Systems Manager on its own protocol.
func manager(t *testing.T, commands, throttles *atomic.Int32) *httptest.Server {
	t.Helper()

	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		commands.Add(1)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")

		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("X-Amz-Target") != "AmazonSSM.SendCommand" || !strings.Contains(string(body), `"tag:comfyui-studio"`) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ValidationException","message":"not what it knows"}`)

			return
		}

		if throttles.Add(-1) >= 0 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)

			return
		}

		_, _ = io.WriteString(w, `{"Command":{"CommandId":"11111111-2222-4333-8444-555555555555"}}`)
	}))
	t.Cleanup(s.Close)

	return s
}

// TestProgram runs the Lambda as Lambda does: it asks for events, calls Systems
// Manager on its own protocol, and goes on after a batch that it could not read.
func TestProgram(t *testing.T) {
	var commands, throttles atomic.Int32

	api := runtimeapi.New(time.Minute)
	defer api.Close()

	logs := start(t, api.Address(), manager(t, &commands, &throttles).URL)
	change := batch(t, records(put("ObjectCreated:Put", bucket, "100%")), "{")

	cases := []struct {
		reason    string
		payload   []byte
		throttles int32
		want      string
		fails     bool
		commands  int32
	}{
		{reason: "A change is told.", payload: change, want: `{"batchItemFailures":[]}`, commands: 1},
		{reason: "A throttle that passes costs nobody anything.", payload: change, throttles: 1, want: `{"batchItemFailures":[]}`, commands: 2},
		{reason: "One that stays brings the change again, and nothing else.", payload: change, throttles: 100, want: `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`, commands: 4},
		{reason: "What is no batch fails.", payload: []byte(`{"Records":7}`), fails: true},
		{reason: "And the next is handled.", payload: change, want: `{"batchItemFailures":[]}`, commands: 1},
	}

	for _, tc := range cases {
		commands.Store(0)
		throttles.Store(tc.throttles)

		got, err := api.Invoke(t.Context(), tc.payload)
		if (err != nil) != tc.fails {
			t.Fatalf("%s\nInvoke(...): %v", tc.reason, err)
		}

		if !tc.fails && string(got) != tc.want {
			t.Errorf("%s\nInvoke(...): want %s, got %s", tc.reason, tc.want, got)
		}

		if n := commands.Load(); n != tc.commands {
			t.Errorf("%s\ncalls of Systems Manager: want %d, got %d", tc.reason, tc.commands, n)
		}
	}

	want := []string{"dropped what is no event of S3", "told nodes", "dropped what is no event of S3", "told nodes", "dropped what is no event of S3", "cannot tell nodes", "dropped what is no event of S3", "told nodes"}
	if diff := cmp.Diff(want, logs(len(want))); diff != "" {
		t.Errorf("messages of the log: -want, +got:\n%s", diff)
	}
}

// start runs the program until the test ends. It returns what reads the first
// messages of its log.
func start(t *testing.T, runtimeAPI, ssm string) func(n int) []string {
	t.Helper()

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = []string{
		asProgram + "=1", "AWS_LAMBDA_RUNTIME_API=" + runtimeAPI, "AWS_ENDPOINT_URL_SSM=" + ssm, "AWS_REGION=us-east-1", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "MODELS_BUCKET=" + bucket, "DOCUMENT=doc", "TAG_KEY=comfyui-studio", "TAG_VALUE=art/tokyo",
	}
	cmd.Stderr = os.Stderr

	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		stop()

		_ = cmd.Wait()
	})

	lines := bufio.NewScanner(out)

	return func(n int) []string {
		var got []string

		for len(got) < n && lines.Scan() {
			entry := struct {
				Message   string `json:"message"`
				RequestID string `json:"requestId"`
				Level     string `json:"level"`
			}{}
			if err := json.Unmarshal(lines.Bytes(), &entry); err != nil || entry.RequestID == "" || entry.Level == "" {
				t.Fatalf("a line of the log is not as Lambda reads it: %s", lines.Bytes())
			}

			got = append(got, entry.Message)
		}

		return got
	}
}

// TestMissingEnvironment names everything that is not set.
func TestMissingEnvironment(t *testing.T) {
	_, err := newNotifier(t.Context(), func(name string) string { return map[string]string{"DOCUMENT": "d"}[name] }, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("newNotifier(...): want an error")
	}

	for _, name := range []string{"MODELS_BUCKET", "TAG_KEY", "TAG_VALUE"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("newNotifier(...): want %s named, got %v", name, err)
		}
	}
}
