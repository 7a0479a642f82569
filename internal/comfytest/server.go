package comfytest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A Release is a version of ComfyUI, as far as its interface differs.
type Release string

const (
	// Recorded is the release that the recordings are of.
	Recorded Release = "0.3.64"
	// Current is the oldest that a studio runs.
	Current Release = "0.28.0"
)

// Options are what a server may be started with.
type Options struct {
	// Release is Current if left empty.
	Release Release
	// Directory holds input, output, temp, user and models. It is made.
	Directory string
	// Output is the output directory, if it is another.
	Output string
	// Tick is what SlowTick takes for a step where the graph does not say.
	Tick time.Duration
	// OutputOrder orders the outputs of a prompt. A real server has them in a set,
	// whose order is another in every process. They are sorted if left out.
	OutputOrder func(ids []string)
	// Arguments are shown in the statistics.
	Arguments []string
}

// A Server is one ComfyUI process.
type Server struct {
	options Options
	handler http.Handler
	// user is the directory of the one user that there is.
	user *os.Root

	// changed wakes whoever waits for a change of what follows it.
	changed *sync.Cond
	mu      sync.Mutex

	counter     int
	pending     []*prompt
	running     *prompt
	history     map[string]entry
	finished    []string
	interrupted bool
	freed       int
	held        bool
	holdAt      int
	stopped     bool

	sockets  map[string]*socket
	left     int
	clientID string
	lastNode string
	cache    map[string]result

	worker sync.WaitGroup
}

// New starts a server. It serves once its handler does.
func New(o Options) (*Server, error) {
	if o.Release == "" {
		o.Release = Current
	}

	if o.Directory == "" {
		return nil, errors.New("cannot start ComfyUI: it needs a directory")
	}

	if o.Output == "" {
		o.Output = filepath.Join(o.Directory, "output")
	}

	if o.OutputOrder == nil {
		o.OutputOrder = func([]string) {}
	}

	s := &Server{options: o, history: map[string]entry{}, sockets: map[string]*socket{}, cache: map[string]result{}}
	s.changed = sync.NewCond(&s.mu)

	// Temp is wiped at every start.
	if err := os.RemoveAll(s.directory(kindTemp)); err != nil {
		return nil, fmt.Errorf("cannot empty temp: %w", err)
	}

	dirs := []string{s.directory(kindInput), s.directory(kindOutput), s.directory(kindTemp), filepath.Join(o.Directory, "user", "default")}
	for _, f := range modelFolders() {
		dirs = append(dirs, filepath.Join(o.Directory, "models", f))
	}

	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("cannot make %s: %w", dir, err)
		}
	}

	user, err := os.OpenRoot(filepath.Join(o.Directory, "user", "default"))
	if err != nil {
		return nil, fmt.Errorf("cannot open the user's directory: %w", err)
	}

	s.user = user
	s.handler = s.routes()
	s.worker.Go(s.work)

	return s, nil
}

// ServeHTTP answers as ComfyUI does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends the server as SIGINT does: at once, with what runs and what is
// queued lost, and nobody told.
func (s *Server) Close() {
	s.mu.Lock()
	s.stopped = true

	for _, k := range s.sockets {
		k.drop()
	}

	s.changed.Broadcast()
	s.mu.Unlock()

	s.worker.Wait()
	_ = s.user.Close()
}

// Hold keeps what runs, and what would run next, from going on until Release.
func (s *Server) Hold() { s.set(func() { s.held = true }) }

// HoldAt keeps the next prompt that tells of this step in it until Release.
func (s *Server) HoldAt(step int) { s.set(func() { s.holdAt = step }) }

// Release lets go what Hold and HoldAt keep.
func (s *Server) Release() { s.set(func() { s.held, s.holdAt = false, 0 }) }

// Freed counts how often somebody asked to free memory.
func (s *Server) Freed() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.freed
}

func (s *Server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()

	f()
	s.changed.Broadcast()
}

func (s *Server) current() bool { return s.options.Release != Recorded }

// Kinds of files, as the interface calls them.
const (
	kindInput  = "input"
	kindOutput = "output"
	kindTemp   = "temp"
)

// directory is where files of a kind are, or empty for a kind that there is not.
func (s *Server) directory(kind string) string {
	switch kind {
	case kindOutput:
		return s.options.Output
	case kindInput, kindTemp:
		return filepath.Join(s.options.Directory, kind)
	}

	return ""
}
