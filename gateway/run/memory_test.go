package run

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/cookie"
	"github.com/comfyui-studio/comfyui-studio/gateway/login"
	"github.com/comfyui-studio/comfyui-studio/gateway/run/runtest"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret/secrettest"
	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

const (
	// childOf has this program be a front door for one server.
	childOf = "FRONT_DOOR_FOR"
	// many is how many sockets are open, and most what they may cost altogether, with
	// the front door itself.
	many = 1000
	most = 64 << 20
)

// TestMemory opens a thousand sockets at a front door of another process, moves
// something on each, and looks at what the process has in memory.
func TestMemory(t *testing.T) {
	if addr := os.Getenv(childOf); addr != "" {
		child(t, addr)
		return
	}

	if testing.Short() {
		t.Skip("it takes a while")
	}

	s, err := comfytest.New(comfytest.Options{Directory: t.TempDir(), Tick: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}

	front := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); front.CloseClientConnections(); front.Close() })

	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestMemory$")
	cmd.Env = append(os.Environ(), childOf+"="+strings.TrimPrefix(front.URL, "http://"), "GOMEMLIMIT="+strconv.Itoa(Memory), "GOMAXPROCS=1")

	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })

	lines := bufio.NewScanner(out)

	addr := ""
	for addr == "" && lines.Scan() {
		addr, _ = strings.CutPrefix(lines.Text(), "open at ")
	}

	before := resident(t, cmd.Process.Pid)
	all := make([]net.Conn, many)

	for i := range all {
		all[i] = knock(t, addr, i)
	}

	idle := resident(t, cmd.Process.Pid)

	var wg sync.WaitGroup
	for _, c := range all {
		wg.Go(func() {
			// Some kilobytes come to each.
			if _, err := io.CopyN(io.Discard, c, 4<<10); err != nil {
				t.Error(err)
			}
		})
	}

	stop := make(chan struct{})

	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}

			// Without a client's id all hear of it.
			body := fmt.Sprintf(`{"prompt":{"1":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":%d}},"2":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"a"}}}}`, i)

			res, err := http.Post(front.URL+"/prompt", "application/json", strings.NewReader(body)) //nolint:noctx // It is there.
			if err != nil {
				return
			}

			_ = res.Body.Close()

			time.Sleep(20 * time.Millisecond)
		}
	}()

	wg.Wait()
	close(stop)

	moved := resident(t, cmd.Process.Pid)
	t.Logf("resident: %d MB before, %d MB with %d sockets, %d MB after something moved on each", before>>20, idle>>20, many, moved>>20)

	if moved > most {
		t.Errorf("%d MB with %d sockets: want at most %d", moved>>20, many, most>>20)
	}
}

// child is a front door that ends with its parent.
func child(t *testing.T, addr string) {
	t.Helper()

	k := runtest.New(t)
	k.Add("server-0", addr)
	r := open(t, k)

	for !takes(t, r) {
		time.Sleep(10 * time.Millisecond)
	}

	fmt.Println("open at " + strings.TrimPrefix(r.traffic, "http://"))
	select {}
}

func takes(t *testing.T, r running) bool {
	t.Helper()

	res, err := http.Get(r.health + "/metrics") //nolint:noctx // It is there.
	if err != nil {
		return false
	}
	defer res.Body.Close()

	b, err := io.ReadAll(res.Body)

	return err == nil && strings.Contains(string(b), `comfyui_studio_servers{pool="default",takes="true"} 1`)
}

// knock opens a socket, of one of many people.
func knock(t *testing.T, addr string, i int) net.Conn {
	t.Helper()

	c, err := net.Dial("tcp", addr) //nolint:noctx // It is there.
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = c.Close() })

	_, err = fmt.Fprintf(c, "GET /ws?clientId=c%d HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-Fetch-Site: same-origin\r\nCookie: studio-session=%s\r\n\r\n", i, session(t, i/20))
	if err != nil {
		t.Fatal(err)
	}

	b := make([]byte, 12)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "HTTP/1.1 101" {
		t.Fatalf("socket %d: %q, %v", i, b, err)
	}

	return c
}

func session(t *testing.T, who int) string {
	t.Helper()

	var document struct {
		Key string `json:"cookieKey"`
	}

	source := secrettest.Source{"front-door": string(secrets.Data(seed)[secrets.KeyFrontDoor])}
	if err := json.Unmarshal([]byte(source["front-door"]), &document); err != nil {
		t.Fatal(err)
	}

	store, err := secret.Open(context.Background(), source, func() config.Config { return config.Config{Parameters: config.Parameters{FrontDoor: "front-door"}} })
	if err != nil {
		t.Fatal(err)
	}

	raw, err := base64.StdEncoding.DecodeString(document.Key)
	if err != nil {
		t.Fatal(err)
	}

	keys, err := cookie.New(raw)
	if err != nil {
		t.Fatal(err)
	}

	text, err := keys.Seal(cookie.Session, login.Session{ID: strconv.Itoa(who), User: "studio", Mode: config.ModePassword, Epoch: store.Secrets().PasswordEpoch}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}

	return text
}

// resident is what a process has in memory, as the kernel counts it.
func resident(t *testing.T, pid int) int {
	t.Helper()

	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}

	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}

	return pages * os.Getpagesize()
}
