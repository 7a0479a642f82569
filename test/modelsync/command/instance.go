package command

import (
	"slices"
	"strings"
)

// Instance is one managed instance.
type Instance struct {
	ID   string
	Tags map[string]string
	// Run does what the document says.
	Run func() error

	manager *Manager
	slots   chan struct{}
	away    bool
	waiting []*Command
}

// Away takes an instance off the network, or brings it back.
func (i *Instance) Away(away bool) {
	i.manager.mu.Lock()
	defer i.manager.mu.Unlock()

	i.away = away
	if away {
		return
	}

	now := i.manager.Clock()

	for _, c := range i.waiting {
		if now.After(c.sent.Add(c.timeout)) {
			c.set(i.ID, DeliveryTimedOut)
			continue
		}

		i.start(c)
	}

	i.waiting = nil
}

// start runs the document. It is called with the manager's lock held.
func (i *Instance) start(c *Command) <-chan bool {
	done := make(chan bool, 1)

	i.manager.running.Go(func() {
		i.slots <- struct{}{}

		err := i.Run()

		<-i.slots

		status := Success
		if err != nil {
			status = Failed
		}

		c.set(i.ID, status)
		done <- err == nil
	})

	return done
}

func (i *Instance) matches(in request) bool {
	if slices.Contains(in.InstanceIDs, i.ID) {
		return true
	}

	for _, t := range in.Targets {
		value, tagged := i.Tags[strings.TrimPrefix(t.Key, "tag:")]
		if !tagged || !slices.Contains(t.Values, value) {
			return false
		}
	}

	return len(in.Targets) > 0
}
