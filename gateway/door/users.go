package door

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

const (
	// mostOfOne is how many prompts of one caller may wait at a time, at each front
	// door.
	mostOfOne = 100
	// mostOfServer is how many may wait for each server of a pool.
	mostOfServer = 500
)

// users counts whose prompts wait.
type users struct {
	mu  sync.Mutex
	all *lru.Cache[string, map[string]bool]
}

func newUsers() *users {
	c, err := lru.New[string, map[string]bool](remembered)
	if err != nil {
		// It fails for sizes below one only.
		panic(err)
	}

	return &users{all: c}
}

func (u *users) queued(who, id string) {
	u.mu.Lock()
	defer u.mu.Unlock()

	ids, ok := u.all.Get(who)
	if !ok {
		ids = map[string]bool{}
		u.all.Add(who, ids)
	}

	ids[id] = true
}

func (u *users) ids(who string) []string {
	u.mu.Lock()
	defer u.mu.Unlock()

	ids, _ := u.all.Get(who)

	out := make([]string, 0, len(ids))
	for id := range ids {
		out = append(out, id)
	}

	return out
}

func (u *users) over(who string, ids []string) {
	u.mu.Lock()
	defer u.mu.Unlock()

	known, _ := u.all.Get(who)
	for _, id := range ids {
		delete(known, id)
	}
}

// full says that a caller, or a pool, has enough that waits, and how much.
func (d *Door) full(ctx context.Context, who caller, s servers.Server) (int, bool) {
	waiting, all := 0, d.Table.All(s.Pool)
	for _, one := range all {
		waiting += one.Queue
	}

	if waiting >= mostOfServer*len(all) {
		return waiting, true
	}

	ids := d.users.ids(who.key())
	if len(ids) < mostOfOne {
		return 0, false
	}

	// Only now is it worth finding out which of them are over.
	var over []string

	for tag, mine := range d.byServer(ids) {
		waits := map[string]bool{}

		if s, ok := d.Table.Find(tag); ok {
			_, b, err := d.get(ctx, s, "/queue")
			if err != nil {
				continue
			}

			still, err := idsOf(b)
			if err != nil {
				continue
			}

			waits = set(still)
		}

		for _, id := range mine {
			if !waits[id] {
				over = append(over, id)
			}
		}
	}

	d.users.over(who.key(), over)

	n := len(ids) - len(over)

	return n, n >= mostOfOne
}

func (d *Door) byServer(ids []string) map[prompt.Tag][]string {
	out := map[prompt.Tag][]string{}

	for _, id := range ids {
		tag, ok := prompt.Made(d.Secrets().Marks, id)
		if !ok {
			tag, _ = d.found.Get(id)
		}

		out[tag] = append(out[tag], id)
	}

	return out
}
