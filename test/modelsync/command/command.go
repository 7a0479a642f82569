// Package command is AWS Systems Manager's Run Command over its JSON protocol:
// documents, managed instances with tags, and commands that reach them.
//
// Targets by tag are resolved when a command is sent: an instance that registers
// later never sees it. One that is registered and away gets it when it comes back
// in time. The agent on an instance runs a few commands at once. It refuses what
// Systems Manager refuses.
package command

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// workers is how many commands an agent runs at once, as in its default
// configuration.
const workers = 5

// Status is that of one command on one instance.
type Status string

// The states that a command goes through here.
const (
	Pending          Status = "Pending"
	Success          Status = "Success"
	Failed           Status = "Failed"
	DeliveryTimedOut Status = "DeliveryTimedOut"
)

// Manager is Systems Manager in one region.
type Manager struct {
	// Clock is the time by which deliveries time out.
	Clock func() time.Time

	mu        sync.Mutex
	refusal   string
	refusals  int
	documents map[string]bool
	instances map[string]*Instance
	sent      []*Command
	running   sync.WaitGroup
}

// Command is one command that was sent.
type Command struct {
	ID       string
	Document string

	sent      time.Time
	timeout   time.Duration
	mu        sync.Mutex
	instances map[string]Status
}

// New returns a Systems Manager with documents and no instances. Its documents
// take no parameters.
func New(documents ...string) *Manager {
	m := &Manager{Clock: time.Now, documents: map[string]bool{}, instances: map[string]*Instance{}}
	for _, d := range documents {
		m.documents[d] = true
	}

	return m
}

// Register registers an instance.
func (m *Manager) Register(id string, tags map[string]string, run func() error) *Instance {
	m.mu.Lock()
	defer m.mu.Unlock()

	i := &Instance{ID: id, Tags: tags, Run: run, manager: m, slots: make(chan struct{}, workers)}
	m.instances[id] = i

	return i
}

// Sent returns the commands so far.
func (m *Manager) Sent() []*Command {
	m.mu.Lock()
	defer m.mu.Unlock()

	return slices.Clone(m.sent)
}

// Refuse has SendCommand refused with an error code from now on, or with none.
func (m *Manager) Refuse(code string) {
	m.mu.Lock()
	defer m.mu.Unlock()

	m.refusal = code
}

// Refusals is how many commands were refused so.
func (m *Manager) Refusals() int {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.refusals
}

// Wait waits for what runs.
func (m *Manager) Wait() { m.running.Wait() }

// Statuses tells of each instance how the command went.
func (c *Command) Statuses() map[string]Status {
	c.mu.Lock()
	defer c.mu.Unlock()

	return maps.Clone(c.instances)
}

func (c *Command) set(instance string, s Status) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.instances[instance] = s
}

// send is called with valid input.
func (m *Manager) send(in request) *Command {
	m.mu.Lock()
	defer m.mu.Unlock()

	timeout := time.Duration(3600) * time.Second
	if in.TimeoutSeconds != nil {
		timeout = time.Duration(*in.TimeoutSeconds) * time.Second
	}

	c := &Command{
		ID: fmt.Sprintf("11111111-2222-4333-8444-%012d", len(m.sent)+1), Document: in.DocumentName,
		sent: m.Clock(), timeout: timeout, instances: map[string]Status{},
	}
	m.sent = append(m.sent, c)

	var chosen []*Instance

	for _, i := range m.instances {
		if i.matches(in) {
			chosen = append(chosen, i)
			c.set(i.ID, Pending)
		}
	}

	slices.SortFunc(chosen, func(a, b *Instance) int { return strings.Compare(a.ID, b.ID) })

	m.running.Go(func() {
		m.spread(c, chosen, share(in.MaxConcurrency, "50", len(chosen)), share(in.MaxErrors, "0", len(chosen)))
	})

	return c
}

// spread brings a command to instances, so many at a time, until too many failed.
func (m *Manager) spread(c *Command, chosen []*Instance, concurrency, errors int) {
	var (
		mu     sync.Mutex
		failed int
		group  sync.WaitGroup
	)

	free := make(chan struct{}, max(concurrency, 1))

	for _, i := range chosen {
		free <- struct{}{}

		mu.Lock()
		enough := failed > errors
		mu.Unlock()

		if enough {
			break
		}

		m.mu.Lock()

		if i.away {
			i.waiting = append(i.waiting, c)
			m.mu.Unlock()
			<-free

			continue
		}

		done := i.start(c)
		m.mu.Unlock()

		group.Go(func() {
			defer func() { <-free }()

			if !<-done {
				mu.Lock()
				failed++
				mu.Unlock()
			}
		})
	}

	group.Wait()
}

// share reads "50" or "100%".
func share(s *string, otherwise string, of int) int {
	text := otherwise
	if s != nil {
		text = *s
	}

	percent, isPercent := strings.CutSuffix(text, "%")

	n, err := strconv.Atoi(percent)
	if err != nil {
		return 0
	}

	if isPercent {
		return of * n / 100
	}

	return n
}
