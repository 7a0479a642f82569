package door

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/login"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret/secrettest"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
	"github.com/comfyui-studio/comfyui-studio/gateway/wake"
	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

const (
	seed     = "0123456789abcdef0123456789abcdef"
	apiToken = "correct-horse-battery-staple"
)

// A world is a studio: front doors, and ComfyUI servers behind them.
type world struct {
	testing.TB

	config  config.Config
	source  secrettest.Source
	store   *secret.Store
	table   *servers.Table
	waker   *waker
	door    *Door
	url     string
	answers answers
	nodes   map[string]*node
	fronts  []*httptest.Server
}

// cut cuts every connection to the front doors.
func (w *world) cut() {
	for _, f := range w.fronts {
		f.CloseClientConnections()
	}
}

// A node is a ComfyUI server.
type node struct {
	*comfytest.Server

	front    *httptest.Server
	endpoint servers.Endpoint
	// seen is every request that it got.
	mu   sync.Mutex
	seen []*http.Request
	// before is asked before a request is answered: true if it was answered.
	before func(w http.ResponseWriter, r *http.Request) bool
}

type answers struct {
	mu  sync.Mutex
	all []Answer
}

func (a *answers) take(one Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()

	a.all = append(a.all, one)
}

func (a *answers) has(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()

	return slices.ContainsFunc(a.all, func(one Answer) bool { return one.Path == path })
}

// A waker writes down what it was asked for.
type waker struct {
	mu      sync.Mutex
	woken   []string
	present []string
}

func (w *waker) Wake(pool, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.woken = append(w.woken, pool+": "+why)
}

func (w *waker) Present(pool, who string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.present = append(w.present, pool+": "+who)
}

func (*waker) Progress(string) wake.Progress { return wake.Progress{Summary: "A server is ordered."} }

func (*waker) Rest(string) time.Duration { return time.Minute }

func (w *waker) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()

	return len(w.woken)
}

// newWorld opens a door over HTTP, with one pool and as many servers.
func newWorld(t testing.TB, size int, edits ...func(*config.Config)) *world {
	t.Helper()

	w := &world{TB: t, nodes: map[string]*node{}, table: servers.NewTable(), waker: &waker{}}
	w.config = config.Config{
		Studio: "art/tokyo", Pools: []config.Pool{{Name: "default", Min: 0, Max: 10}}, Login: config.Login{Mode: config.ModePassword},
		Parameters: config.Parameters{FrontDoor: "front-door", APITokens: "tokens"},
	}

	for _, edit := range edits {
		edit(&w.config)
	}

	w.source = secrettest.Source{"front-door": string(secrets.Data(seed)[secrets.KeyFrontDoor]), "tokens": "ci=" + apiToken + "\n"}

	store, err := secret.Open(t.Context(), w.source, func() config.Config { return w.config })
	if err != nil {
		t.Fatal(err)
	}

	w.store = store
	w.door = w.open()
	w.url = w.serve(w.door)

	for i := range size {
		w.add(fmt.Sprintf("server-%d", i))
	}

	w.sync()

	return w
}

// open makes a front door of its own, which shares nothing but the secrets with
// another and sees the same servers.
func (w *world) open() *Door {
	log := slog.New(slog.DiscardHandler)
	c := func() config.Config { return w.config }
	transport := &http.Transport{MaxIdleConnsPerHost: 32, MaxConnsPerHost: 64, DisableCompression: true}
	w.Cleanup(transport.CloseIdleConnections)

	return New(Options{
		Config: c, Secrets: w.store.Secrets, Table: w.table, Waker: w.waker, Transport: transport, Log: log, Now: time.Now, Seen: w.answers.take,
		Desk: login.New(c, w.store.Secrets, http.DefaultClient, log),
	})
}

func (w *world) serve(d *Door) string {
	front := httptest.NewServer(d)
	w.Cleanup(front.Close)
	w.fronts = append(w.fronts, front)

	return front.URL
}

// add starts a server.
func (w *world) add(name string) *node {
	w.Helper()

	s, err := comfytest.New(comfytest.Options{Directory: w.TempDir(), Tick: time.Millisecond})
	if err != nil {
		w.Fatal(err)
	}

	n := &node{Server: s}
	n.front = httptest.NewServer(http.HandlerFunc(n.serve))
	n.endpoint = servers.Endpoint{UID: "uid-" + name, Pod: name, Pool: "default", Addr: strings.TrimPrefix(n.front.URL, "http://"), Ready: true}
	w.nodes[name] = n

	w.Cleanup(func() {
		s.Close()
		n.front.CloseClientConnections()
		n.front.Close()
	})

	return n
}

func (n *node) serve(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	before := n.before
	n.seen = append(n.seen, r.Clone(r.Context()))
	n.mu.Unlock()

	if before != nil && before(w, r) {
		return
	}

	n.ServeHTTP(w, r)
}

// do has something done to each request before the server gets it.
func (n *node) do(before func(w http.ResponseWriter, r *http.Request) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()

	n.before = before
}

// last is what the server got last under a path.
func (n *node) last(t *testing.T, path string) *http.Request {
	t.Helper()

	n.mu.Lock()
	defer n.mu.Unlock()

	for _, r := range slices.Backward(n.seen) {
		if r.URL.Path == path {
			return r
		}
	}

	t.Fatalf("%s got no request for %s", n.endpoint.Pod, path)

	return nil
}

func (n *node) got(method, path string) int {
	n.mu.Lock()
	defer n.mu.Unlock()

	count := 0

	for _, r := range n.seen {
		if r.Method == method && r.URL.Path == path {
			count++
		}
	}

	return count
}

// sync shows the cluster to the front doors.
func (w *world) sync() {
	var all []servers.Endpoint
	for _, n := range w.nodes {
		all = append(all, n.endpoint)
	}

	w.table.Set(all, time.Now())
}

// until waits for what comes. Who waits in vain is ended by go test, which shows
// where.
func until(is func() bool) {
	for !is() {
		time.Sleep(time.Millisecond)
	}
}

func prefixes(all ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}

	return out
}

func (n *node) requests() []*http.Request {
	n.mu.Lock()
	defer n.mu.Unlock()

	return slices.Clone(n.seen)
}

// dropped is an answer that nobody gets.
type dropped struct{ header http.Header }

func (d *dropped) Header() http.Header { return d.header }

func (*dropped) Write(b []byte) (int, error) { return len(b), nil }

func (*dropped) WriteHeader(int) {}
