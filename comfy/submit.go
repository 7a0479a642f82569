package comfy

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// A Submission is what goes to a server beside the graph.
type Submission struct {
	// ID is the prompt's, a UUID in small letters. Left out, it is made.
	ID string
	// ClientID names the socket that hears of the prompt. Without one its progress
	// goes to everybody who listens.
	ClientID string
	// Front puts the prompt before all that wait.
	Front bool
}

// A Ticket is what a server says of a prompt that it queued.
type Ticket struct {
	ID string `json:"prompt_id"`
	// Dropped are faults of nodes that kept some outputs from being run at all, while
	// the others run.
	Dropped NodeErrors `json:"node_errors"`
}

// NewID makes an id for a prompt or a client.
func NewID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	// Version 4, and the variant of RFC 9562.
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80

	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Submit queues a graph, once. When a server does not say whether it has taken it,
// the client looks for its id, and sends it again only if nobody knows that id.
func (c *Client) Submit(ctx context.Context, g Graph, s Submission) (Ticket, error) {
	if s.ID == "" {
		s.ID = NewID()
	}

	body, err := encode(struct {
		Prompt   Graph  `json:"prompt"`
		ID       string `json:"prompt_id"`
		ClientID string `json:"client_id,omitempty"`
		Front    bool   `json:"front,omitempty"`
	}{g, s.ID, s.ClientID, s.Front})
	if err != nil {
		return Ticket{}, fmt.Errorf("cannot write the workflow: %w", err)
	}

	p := patience{limit: c.timing.patience}

	for n := 0; ; n++ {
		a, err := c.once(ctx, http.MethodPost, "/api/prompt", body)

		wait := c.wait(a, err, n)
		if ctx.Err() != nil {
			return Ticket{ID: s.ID}, ctx.Err()
		}

		if wait.For == 0 && a.status != http.StatusInternalServerError {
			return ticket(s.ID, a)
		}

		if unsure(a, err) {
			known, err := c.settled(ctx, s.ID)
			if known || err != nil {
				return Ticket{ID: s.ID}, err
			}
		}

		if p.over(a, err) {
			return Ticket{ID: s.ID}, fmt.Errorf("cannot queue the workflow: %w", errors.Join(err, failure(a)))
		}

		if err := c.sleep(ctx, wait); err != nil {
			return Ticket{ID: s.ID}, err
		}
	}
}

func failure(a answer) error {
	if a.status == 0 {
		return nil
	}

	return refused(a)
}

// unsure says that a server may have queued a prompt. It has not when it was not
// reached, nor when it asks for more time.
func unsure(a answer, err error) bool {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return false
	}

	return err != nil || !busy(a.status)
}

// settled looks for a prompt, until it is found or nobody has known it twice in a
// row, a moment apart: what was on its way then has come or never will.
func (c *Client) settled(ctx context.Context, id string) (bool, error) {
	for range 2 {
		if err := c.sleep(ctx, Wait{"it is not clear whether the prompt was queued", c.timing.pause}); err != nil {
			return false, err
		}

		at, _, err := c.whereabouts(ctx, id)
		if err != nil {
			return false, fmt.Errorf("cannot tell whether the workflow was queued: %w", err)
		}

		if at != nowhere {
			return true, nil
		}
	}

	return false, nil
}

// ticket reads what a server said.
func ticket(id string, a answer) (Ticket, error) {
	if a.status == http.StatusOK {
		out := Ticket{}
		if err := json.Unmarshal(a.body, &out); err != nil || out.ID == "" {
			return Ticket{ID: id}, errors.New("cannot read the answer to the workflow: it is no ComfyUI's")
		}

		return out, nil
	}

	said := struct {
		Error Reason     `json:"error"`
		Nodes NodeErrors `json:"node_errors"`
	}{}

	switch err := json.Unmarshal(a.body, &said); {
	case a.status == http.StatusConflict:
		return Ticket{ID: id}, ErrLost
	case a.status == http.StatusBadRequest && err == nil && said.Error.Type != "":
		return Ticket{ID: id}, &RefusedError{said.Error, said.Nodes}
	case a.status == http.StatusRequestEntityTooLarge:
		return Ticket{ID: id}, errors.New("cannot queue the workflow: it is larger than the server takes")
	}

	return Ticket{ID: id}, fmt.Errorf("cannot queue the workflow: %w", refused(a))
}
