package door

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLists merges what servers have, for programs.
func TestLists(t *testing.T) {
	w := newWorld(t, 3)
	for _, n := range w.nodes {
		n.Hold()
	}

	p := w.program()

	var ids []string
	for range 6 {
		ids = append(ids, p.queue("a"))
		// Times are in milliseconds, and they order the list.
		time.Sleep(2 * time.Millisecond)
	}

	got := p.do(http.MethodGet, "/queue", "")

	listed, err := idsOf([]byte(got.body))
	if err != nil {
		t.Fatal(err)
	}

	slices.Sort(listed)

	want := slices.Sorted(slices.Values(ids))
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("GET /queue: -want, +got:\n%s", diff)
	}

	page := p.do(http.MethodGet, "/api/jobs?limit=2&offset=1&sort_order=asc", "").json(t)
	jobs, _ := page["jobs"].([]any)

	var paged []string
	for _, j := range jobs {
		paged = append(paged, j.(map[string]any)["id"].(string))
	}

	if diff := cmp.Diff(ids[1:3], paged); diff != "" {
		t.Errorf("GET /api/jobs: -want, +got:\n%s", diff)
	}

	if got := page["pagination"].(map[string]any)["total"]; got != 6.0 {
		t.Errorf("GET /api/jobs: the total is %v", got)
	}

	for _, n := range w.nodes {
		n.Release()
	}

	for _, id := range ids {
		p.history(id)
	}

	if got := len(p.do(http.MethodGet, "/history?max_items=4", "").json(t)); got != 4 {
		t.Errorf("GET /history?max_items=4: %d entries", got)
	}

	// A list that is short says so.
	w.nodes["server-1"].front.CloseClientConnections()
	w.nodes["server-1"].front.Close()

	got = p.do(http.MethodGet, "/queue", "")
	if diff := cmp.Diff([]string{w.nodes["server-1"].endpoint.Tag().String()}, got.header.Values("X-Studio-Partial")); diff != "" {
		t.Errorf("a list without a server: -want, +got:\n%s", diff)
	}
}

// TestChanges stops and removes prompts: each where it is, and all of a pool only
// when it is named.
func TestChanges(t *testing.T) {
	w := newWorld(t, 2)
	for _, n := range w.nodes {
		n.Hold()
	}

	p := w.program()

	var ids []string
	for range 6 {
		ids = append(ids, p.queue("a"))
	}

	for _, bad := range [][2]string{{"/interrupt", ""}, {"/interrupt", "{}"}, {"/queue", `{"clear":true}`}, {"/history", `{"clear":true}`}, {"/free", `{"unload_models":true}`}} {
		if got := p.do(http.MethodPost, bad[0], bad[1]); got.status != http.StatusBadRequest || !strings.Contains(got.body, "?pool=") {
			t.Errorf("POST %s %s: want 400 that names ?pool=, got %d %s", bad[0], bad[1], got.status, got.body)
		}
	}

	if got := p.do(http.MethodPost, "/queue", `{"delete":["`+ids[4]+`","`+ids[5]+`"]}`); got.status != http.StatusOK {
		t.Errorf("delete: %d %s", got.status, got.body)
	}

	left, err := idsOf([]byte(p.do(http.MethodGet, "/queue", "").body))
	if err != nil {
		t.Fatal(err)
	}

	if slices.Contains(left, ids[4]) || slices.Contains(left, ids[5]) || len(left) != 4 {
		t.Errorf("after the delete: %d are left", len(left))
	}

	// Only the server that has the prompt hears of the interrupt.
	n := w.on(ids[0])

	if got := p.do(http.MethodPost, "/interrupt", `{"prompt_id":"`+ids[0]+`"}`); got.status != http.StatusOK {
		t.Errorf("interrupt: %d %s", got.status, got.body)
	}

	for _, one := range w.nodes {
		if got := one.got(http.MethodPost, "/interrupt"); (got == 1) != (one == n) {
			t.Errorf("%s was interrupted %d times", one.endpoint.Pod, got)
		}
	}

	for range 4 {
		p.queue("a")
	}

	if got := p.do(http.MethodPost, "/queue?pool=default", `{"clear":true}`); got.status != http.StatusOK {
		t.Errorf("clear with a pool: %d %s", got.status, got.body)
	}

	if got := p.do(http.MethodGet, "/queue", ""); !strings.Contains(got.body, `"queue_pending":[]`) {
		t.Errorf("after the pool was cleared prompts wait: %s", got.body)
	}
}
