package peer

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
)

// Turn waits until nobody at any front door does something about an id, and returns
// what ends that. One front door keeps the turns of an id, which all know by its
// name: own waits for them where that is this one. Without it nobody knows what
// others do, so nothing may be done: servers queue an id as often as it is sent.
func (c *Client) Turn(ctx context.Context, id string, own func(ctx context.Context, id string) (func(), error)) (func(), error) {
	all, err := c.hosts(ctx)
	if err != nil {
		return nil, err
	}

	keeper := slices.MaxFunc(append([]string{c.Self}, all...), func(a, b string) int {
		return cmp.Or(cmp.Compare(weight(a, id), weight(b, id)), cmp.Compare(a, b))
	})
	if keeper == c.Self {
		return own(ctx, id)
	}

	return c.hold(ctx, keeper, id)
}

// weight is that of rendezvous hashing.
func weight(host, id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(host + "\x00" + id))

	return h.Sum64()
}

// hold has another front door keep the turn for as long as the connection is there.
func (c *Client) hold(ctx context.Context, host, id string) (func(), error) {
	ctx, stop := context.WithCancel(ctx)

	res, err := c.do(ctx, http.MethodPost, host, "/peer/hold?id="+url.QueryEscape(id)) //nolint:bodyclose // It is closed when the turn ends.
	if err != nil {
		stop()
		return nil, fmt.Errorf("cannot wait for a turn: %w", err)
	}

	return func() { _ = res.Body.Close(); stop() }, nil
}

// keep gives another front door its turn, until it hangs up.
func (s *Server) keep(w http.ResponseWriter, r *http.Request) {
	end, err := s.Hold(r.Context(), r.URL.Query().Get("id"))
	if err != nil {
		// Who asked has gone.
		return
	}
	defer end()

	w.WriteHeader(http.StatusOK)

	if http.NewResponseController(w).Flush() == nil {
		<-r.Context().Done()
	}
}
