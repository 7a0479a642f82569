package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/daemon"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/programs"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const (
	models    = "models"
	artefacts = "artefacts"
	statusKey = "nodes/i-1.json"
	// patience is for what must happen and is not measured.
	patience = time.Minute
)

// node is a daemon on a directory, and the bucket that it mirrors.
type node struct {
	t       *testing.T
	store   *store.Store
	options daemon.Options

	mu sync.Mutex
	// gets counts down to what happens at a GET.
	gets int
	then func()
}

func newNode(t *testing.T) *node {
	t.Helper()

	program, err := programs.Build(t.Context(), t.TempDir(), programs.Daemon)
	if err != nil {
		t.Fatal(err)
	}

	n := &node{t: t, store: store.New()}
	n.store.Make(models)
	n.store.Make(artefacts)
	n.store.OnGet = n.get

	endpoint, stop, err := n.store.Serve()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	n.options = daemon.Options{
		Program: program, Endpoint: endpoint, Bucket: models, Directory: filepath.Join(t.TempDir(), "models"),
		Status: "s3://" + artefacts + "/" + statusKey, Interval: time.Hour,
	}

	return n
}

func (n *node) get(string, string) {
	n.mu.Lock()
	defer n.mu.Unlock()

	if n.gets--; n.gets == 0 {
		n.then()
	}
}

// at does something at the nth GET from now on.
func (n *node) at(gets int, then func()) {
	n.mu.Lock()
	defer n.mu.Unlock()

	n.gets, n.then = gets, then
}

func (n *node) start() *exec.Cmd {
	n.t.Helper()

	cmd, err := daemon.Start(context.Background(), n.options)
	if err != nil {
		n.t.Fatal(err)
	}

	return cmd
}

func (n *node) differences() []string {
	return fleet.Compare(n.options.Directory, fleet.Expect(n.store.Objects(models)))
}

// until waits for what must happen.
func (n *node) until(what string, happened func() bool) {
	n.t.Helper()

	for end := time.Now().Add(patience); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			n.t.Fatalf("%s: it does not; the directory: %v", what, n.differences())
		}
	}
}

func (n *node) fill() {
	for i := range 50 {
		n.store.Put(models, fmt.Sprintf("small/%02d", i), store.Seeded(uint64(i), 2000))
	}

	// Three ranges.
	n.store.PutLarge(models, "checkpoints/big", store.Seeded(100, 150<<20), 64<<20)
}

// TestKill kills the daemon at one GET after the other. Whatever it was at, no
// name ever has less than a whole object, and the next one goes on from there.
func TestKill(t *testing.T) {
	n := newNode(t)
	n.fill()

	for gets := 1; ; gets += 9 {
		cmd := n.start()

		killed := make(chan struct{})
		n.at(gets, func() {
			_ = cmd.Process.Signal(syscall.SIGKILL)
			close(killed)
		})

		n.until("it is killed or done", func() bool {
			select {
			case <-killed:
				return true
			default:
				return len(n.differences()) == 0
			}
		})

		if len(n.differences()) == 0 {
			n.at(0, nil)
			_ = cmd.Process.Signal(syscall.SIGKILL)
			_ = cmd.Wait()

			break
		}

		_ = cmd.Wait()

		for _, d := range n.differences() {
			if !strings.HasSuffix(d, "is not there") {
				t.Errorf("killed at GET %d: %s", gets, d)
			}
		}
	}

	// What the last one told is not what the next one tells.
	n.store.Delete(artefacts, statusKey)

	// One more starts on what is all there, and copies nothing.
	before := n.store.Count(store.OperationGet)
	cmd := n.start()
	n.until("it tells its status", func() bool { return n.status().Complete })

	if got := n.store.Count(store.OperationGet); got != before {
		t.Errorf("a daemon that starts anew copies nothing again: %d GETs", got-before)
	}

	end(t, cmd)
}

// TestSecond is a second daemon on the same directory: it must not work on it.
func TestSecond(t *testing.T) {
	n := newNode(t)
	n.store.Put(models, "a", store.Seeded(1, 2000))

	first := n.start()
	n.until("the first one works", func() bool { return len(n.differences()) == 0 })

	second := n.start()
	if err := second.Wait(); err == nil {
		t.Error("a second daemon ends with an error, and did not")
	}

	end(t, first)
}

func end(t *testing.T, cmd *exec.Cmd) {
	t.Helper()

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	if err := cmd.Wait(); err != nil {
		t.Errorf("told to end, the daemon ends well: %v", err)
	}
}

type status struct {
	Complete bool `json:"complete"`
	Files    int  `json:"files"`
}

func (n *node) status() status {
	o := n.store.Object(artefacts, statusKey)
	if o == nil {
		return status{}
	}

	body, err := io.ReadAll(io.NewSectionReader(o.Content, 0, o.Size()))
	if err != nil {
		n.t.Fatal(err)
	}

	var s status
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&s); err != nil {
		n.t.Fatal(err)
	}

	return s
}
