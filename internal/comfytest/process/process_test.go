package process

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestMain is the process itself where a test starts it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("COMFYUI_PROCESS") != "" {
		Main()
		return
	}

	os.Exit(m.Run())
}

const slow = `{"prompt":{"1":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":1}},
	"2":{"class_type":"SlowTick","inputs":{"image":["1",0],"steps":1000,"delay":60}},"3":{"class_type":"SaveImage","inputs":{"images":["2",0],"filename_prefix":"s"}}}}`

// start starts a server, and returns it with its address once it listens.
func start(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()

	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"--port=0", "--directory=" + t.TempDir()}, args...)...)
	cmd.Env = append(os.Environ(), "COMFYUI_PROCESS=1")
	cmd.Stderr = os.Stderr

	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}

	if err != nil {
		t.Fatal(err)
	}

	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}

	_, url, _ := strings.Cut(strings.TrimSpace(line), "go to: ")

	return cmd, url
}

func ask(t *testing.T, method, url, body string) string {
	t.Helper()

	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}

	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}

	return strings.TrimSpace(string(b))
}

// TestSignals holds that TERM does nothing, and INT ends the server with all that
// it had queued.
func TestSignals(t *testing.T) {
	cmd, url := start(t)
	ask(t, http.MethodPost, url+"/prompt", slow)

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	if got := ask(t, http.MethodGet, url+"/prompt", ""); got != `{"exec_info":{"queue_remaining":1}}` {
		t.Errorf("It goes on: got %s", got)
	}

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}

	if err := cmd.Wait(); err != nil {
		t.Errorf("It ends well: %v", err)
	}
}

// TestCrash holds that a crash looks like one of memory.
func TestCrash(t *testing.T) {
	cmd, _ := start(t, "--start-delay=1ms", "--crash-after=1ms")
	_ = cmd.Wait()

	if got := cmd.ProcessState.ExitCode(); got != 137 {
		t.Errorf("exit code: want 137, got %d", got)
	}
}
