package view

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Ledger is what exists, and what has existed, in the simulated AWS.
type Ledger struct {
	Scale   float64 `json:"scale"`
	Now     float64 `json:"now"`
	Entries []Entry `json:"entries"`
}

// An Entry is one thing in the simulated AWS. Times are simulated seconds since
// the bed started.
type Entry struct {
	Kind      string  `json:"kind"`
	Group     string  `json:"group"`
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	ExternID  string  `json:"id"`
	ARN       string  `json:"arn"`
	Region    string  `json:"region"`
	State     string  `json:"state"`
	Created   float64 `json:"created"`
	Active    float64 `json:"active"`
	Deleted   float64 `json:"deleted"`
	Retained  bool    `json:"retained"`
}

// ID is the entry's managed resource.
func (e Entry) ID() ID { return ID{e.Group, e.Kind, e.Namespace, e.Name} }

// Gone says whether AWS has nothing of it any more.
func (e Entry) Gone() bool { return e.State == "gone" }

// GetLedger reads the ledger over HTTP.
func GetLedger(ctx context.Context, url string) (Ledger, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url = strings.TrimSuffix(strings.TrimSuffix(url, "/"), "/ledger") + "/ledger"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Ledger{}, fmt.Errorf("cannot ask for the ledger: %w", err)
	}
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Ledger{}, fmt.Errorf("cannot read the ledger: %w", err)
	}
	defer rsp.Body.Close()
	if rsp.StatusCode != http.StatusOK {
		return Ledger{}, fmt.Errorf("cannot read the ledger: %s answered %s", url, rsp.Status)
	}
	var l Ledger
	if err := json.NewDecoder(rsp.Body).Decode(&l); err != nil {
		return Ledger{}, fmt.Errorf("cannot decode the ledger: %w", err)
	}
	return l, nil
}

// latest returns one entry per managed resource: the one that still exists, or
// else the one made last. A resource has several entries when it was made anew,
// and when a provider that lost an id leaked the first.
func (l Ledger) latest() map[ID]Entry {
	out := make(map[ID]Entry, len(l.Entries))
	for _, e := range l.Entries {
		old, seen := out[e.ID()]
		if !seen || (old.Gone() && !e.Gone()) || (old.Gone() == e.Gone() && e.Created >= old.Created) {
			out[e.ID()] = e
		}
	}
	return out
}
