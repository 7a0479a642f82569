package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	// interval is how often a server is asked for its queue: a few bytes from its
	// memory.
	interval = 1500 * time.Millisecond
	// patience is how long an answer may take.
	patience = 2 * time.Second
	// shortAnswer is more than the answer has.
	shortAnswer = 4 << 10
)

// A Poller asks servers how much they have to do.
type Poller struct {
	Table  *Table
	Client *http.Client
}

// Run asks until the context ends.
func (p Poller) Run(ctx context.Context) {
	for {
		p.Once(ctx)

		// Front doors that ask at the same moment send to the same server.
		wait := interval - interval/10 + rand.N(interval/5) //nolint:gosec // Nobody gains from guessing it.

		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Once asks every server, and returns when each has answered or was given up.
func (p Poller) Once(ctx context.Context) {
	var all sync.WaitGroup

	for _, s := range p.Table.All("") {
		all.Go(func() {
			p.Table.Asking(s.Tag)
			n, err := p.ask(ctx, s)

			if ctx.Err() == nil {
				p.Table.Answered(s.Tag, n, err)
			}
		})
	}

	all.Wait()
}

func (p Poller) ask(ctx context.Context, s Server) (int, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr+"/prompt", nil)
	if err != nil {
		return 0, err
	}

	res, err := p.Client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()

	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("cannot ask %s for its queue: %s", s.Pod, res.Status)
	}

	var out struct {
		Info struct {
			Remaining *int `json:"queue_remaining"`
		} `json:"exec_info"`
	}

	if err := json.NewDecoder(io.LimitReader(res.Body, shortAnswer)).Decode(&out); err != nil || out.Info.Remaining == nil {
		return 0, fmt.Errorf("cannot read the queue of %s", s.Pod)
	}

	return *out.Info.Remaining, nil
}
