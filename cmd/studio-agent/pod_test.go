package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest/process"
)

// TestMain is one of a pod's processes where a test starts it as that.
func TestMain(m *testing.M) {
	switch os.Getenv("POD_PROCESS") {
	case "comfyui":
		process.Main()
	case program:
		main()
	default:
		os.Exit(m.Run())
	}
}

// A pod is a server with what runs beside it, as part workload composes it. It has
// no kubelet: a test plays that.
type pod struct {
	*testing.T

	dir, url string
	comfyui  *exec.Cmd
	uploader *exec.Cmd
}

func (p *pod) command(kind string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "POD_PROCESS="+kind)
	cmd.Stderr = os.Stderr

	return cmd
}

func (p *pod) path(name string) string { return filepath.Join(p.dir, name) }

// newPod starts a pod. Outputs of seeking nodes are on the disk, below outputs.
func newPod(t *testing.T) *pod {
	t.Helper()

	p := &pod{T: t, dir: t.TempDir()}
	for _, dir := range []string{"output", "local/video", "bucket"} {
		if err := os.MkdirAll(p.path(dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}

	if err := os.Symlink(p.path("local/video"), p.path("output/video")); err != nil {
		t.Fatal(err)
	}

	p.startUploader()

	p.comfyui = p.command("comfyui", "--port=0", "--directory="+p.path("comfyui"), "--output-directory="+p.path("output"), "--tick=10ms")

	out, err := p.comfyui.StdoutPipe()
	if err == nil {
		err = p.comfyui.Start()
	}

	if err != nil {
		t.Fatal(err)
	}

	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}

	_, p.url, _ = strings.Cut(strings.TrimSpace(line), "go to: ")

	return p
}

func (p *pod) startUploader() {
	p.Helper()

	p.uploader = p.command(program, "uploader", "--from="+p.path("local"), "--to="+p.path("bucket"), "--retry=10ms", "--message="+p.path("uploader-log"))
	p.watching()
}

// watching starts it, and waits for its first line: from then on it hears signals.
func (p *pod) watching() {
	p.Helper()

	p.uploader.Stderr = nil

	log, err := p.uploader.StderrPipe()
	if err == nil {
		err = p.uploader.Start()
	}

	if err != nil {
		p.Fatal(err)
	}

	lines := bufio.NewReader(log)
	if _, err := lines.ReadString('\n'); err != nil {
		p.Fatal(err)
	}

	go func() { _, _ = io.Copy(io.Discard, lines) }()
}

// queue posts six prompts, which take a while each and make pictures and a video.
func (p *pod) queue(delay string) []string {
	p.Helper()

	var ids []string

	for i := range 6 {
		body := fmt.Sprintf(`{"prompt":{"1":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":2,"color":%d}},
			"2":{"class_type":"SlowTick","inputs":{"image":["1",0],"steps":10,"delay":%s}},
			"3":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"p"}},
			"4":{"class_type":"CreateVideo","inputs":{"images":["2",0],"fps":8}},
			"5":{"class_type":"SaveVideo","inputs":{"video":["4",0],"filename_prefix":"video/v","format":"auto","codec":"auto"}}}}`, i, delay)

		res, err := http.Post(p.url+"/prompt", "application/json", strings.NewReader(body)) //nolint:noctx // A test.
		if err != nil {
			p.Fatal(err)
		}

		got := struct {
			ID string `json:"prompt_id"`
		}{}
		err = json.NewDecoder(res.Body).Decode(&got)
		_ = res.Body.Close()

		if err != nil || got.ID == "" {
			p.Fatalf("a prompt is refused: %v", err)
		}

		ids = append(ids, got.ID)
	}

	return ids
}

// terminate does what the kubelet does: the hook, and at last the sidecar. TERM goes
// to the server too, as to an image without a stop signal.
func (p *pod) terminate(limit string) (drained bool) {
	p.Helper()

	if err := p.comfyui.Process.Signal(syscall.SIGTERM); err != nil {
		p.Fatal(err)
	}

	hook := p.command(program, "drain", "--server="+p.url, "--limit="+limit, "--stop="+strconv.Itoa(p.comfyui.Process.Pid), "--every=5ms", "--message="+p.path("termination-log"), "--log="+p.path("log"))
	drained = hook.Run() == nil

	// The hook interrupts it: an image of somebody else's may have no stop signal.
	if err := p.comfyui.Wait(); err != nil {
		p.Error(err)
	}

	if err := p.uploader.Process.Signal(syscall.SIGTERM); err != nil {
		p.Fatal(err)
	}

	if err := p.uploader.Wait(); err != nil {
		p.Error(err)
	}

	return drained
}

// files are the names and contents below a directory.
func (p *pod) files(dir string) map[string]string {
	p.Helper()

	out := map[string]string{}
	root := os.DirFS(p.path(dir))

	for _, pattern := range []string{"*", "*/*"} {
		names, err := filepath.Glob(filepath.Join(p.path(dir), pattern))
		if err != nil {
			p.Fatal(err)
		}

		for _, name := range names {
			rel, _ := filepath.Rel(p.path(dir), name)

			f, err := root.Open(rel)
			if err != nil {
				p.Fatal(err)
			}

			if b, err := io.ReadAll(f); err == nil {
				out[rel] = string(b)
			}

			_ = f.Close()
		}
	}

	return out
}

func (p *pod) read(name string) string {
	p.Helper()

	b, err := os.ReadFile(p.path(name))
	if err != nil {
		p.Error(err)
	}

	return string(b)
}
