package door

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
)

// TestWakes asks a studio that sleeps in all ways. Somebody who wants a server
// wakes it; what pages and health checks ask for by themselves does not.
func TestWakes(t *testing.T) {
	page := []string{"Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none", "Accept", "text/html"}
	script := []string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Site", "same-origin"}

	type want struct {
		Status int
		Wakes  int
	}

	cases := map[string]struct {
		reason  string
		who     string
		method  string
		path    string
		body    string
		headers []string
		want    want
	}{
		"Page":        {reason: "Somebody opens the studio.", who: "artist", method: "GET", path: "/", headers: page, want: want{200, 1}},
		"DeepPage":    {reason: "By whatever link.", who: "artist", method: "GET", path: "/api/system_stats", headers: page, want: want{200, 1}},
		"Prefetch":    {reason: "A browser that loads ahead is nobody who asks.", who: "artist", method: "GET", path: "/", headers: append([]string{"Sec-Purpose", "prefetch"}, page...), want: want{503, 0}},
		"Head":        {reason: "Nor is who looks whether it is there.", who: "artist", method: "HEAD", path: "/", headers: page, want: want{503, 0}},
		"Stranger":    {reason: "Who is not logged in wakes nothing: previews of links, robots.", who: "nobody", method: "GET", path: "/", headers: page, want: want{303, 0}},
		"Poll":        {reason: "A tab that was left open polls, and hears that nothing waits.", who: "artist", method: "GET", path: "/api/prompt", headers: script, want: want{200, 0}},
		"Queue":       {reason: "So it does here.", who: "artist", method: "GET", path: "/api/queue", headers: script, want: want{200, 0}},
		"History":     {reason: "And here.", who: "artist", method: "GET", path: "/api/history", headers: script, want: want{200, 0}},
		"Stats":       {reason: "Scripts wait.", who: "artist", method: "GET", path: "/api/system_stats", headers: script, want: want{503, 0}},
		"File":        {reason: "Files too.", who: "artist", method: "GET", path: "/assets/index.js", headers: script, want: want{503, 0}},
		"Run":         {reason: "Run wakes.", who: "artist", method: "POST", path: "/api/prompt", body: graph("a"), headers: script, want: want{503, 1}},
		"Button":      {reason: "So does the button.", who: "artist", method: "POST", path: "/_studio/wake", headers: script, want: want{202, 1}},
		"Beat":        {reason: "A beat tells of somebody, and wakes nothing.", who: "artist", method: "POST", path: "/_studio/beat", headers: script, want: want{204, 0}},
		"Program":     {reason: "A program's prompt wakes.", who: "program", method: "POST", path: "/prompt", body: graph("a"), want: want{503, 1}},
		"ProgramGet":  {reason: "Its questions do not.", who: "program", method: "GET", path: "/queue", want: want{200, 0}},
		"ProgramPage": {reason: "Whatever it says that it takes.", who: "program", method: "GET", path: "/", headers: page, want: want{503, 0}},
		"NoJSON":      {reason: "What is no prompt does not.", who: "program", method: "POST", path: "/prompt", body: "nonsense", want: want{400, 0}},
		"NoPool":      {reason: "Nor what names a pool that is not there.", who: "program", method: "POST", path: "/prompt?pool=none", body: graph("a"), want: want{404, 0}},
		"CrossSite":   {reason: "Nor another site.", who: "artist", method: "POST", path: "/api/prompt", body: graph("a"), headers: []string{"Sec-Fetch-Site", "cross-site"}, want: want{403, 0}},
	}

	w := newWorld(t, 0)
	clients := map[string]*client{"artist": w.artist(), "program": w.program(), "nobody": w.browser()}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			before := w.waker.count()
			got := clients[tc.who].do(tc.method, tc.path, tc.body, tc.headers...)

			if diff := cmp.Diff(tc.want, want{got.status, w.waker.count() - before}); diff != "" {
				t.Errorf("%s\n%s %s: -want, +got:\n%s\n%s", tc.reason, tc.method, tc.path, diff, got.body)
			}

			if got.status == http.StatusServiceUnavailable && got.header.Get("Retry-After") == "" {
				t.Error("nobody says when to come again")
			}
		})
	}
}

// TestOtherPool opens the page of a pool that sleeps beside one that is awake: the
// page waits for that pool, and not for the one that somebody works on.
func TestOtherPool(t *testing.T) {
	w := newWorld(t, 1, func(c *config.Config) { c.Pools = append(c.Pools, config.Pool{Name: "video", Max: 1}) })
	c := w.artist()
	c.navigate("/")

	got := c.navigate("/?pool=video")
	if !strings.Contains(got.body, `src="/_studio/waking.js" data-pool="video"`) {
		t.Errorf("the page waits for another pool: %d %s", got.status, got.body)
	}

	if got = c.fetch(http.MethodPost, "/_studio/wake?pool=video", ""); got.status != http.StatusAccepted {
		t.Errorf("its button: want 202, got %d %s", got.status, got.body)
	}

	if got = c.fetch(http.MethodGet, "/_studio/wake/events?pool=none", ""); got.status != http.StatusNotFound {
		t.Errorf("events of a pool that is not there: want 404, got %d %s", got.status, got.body)
	}

	if diff := cmp.Diff([]string{"video: somebody opened the studio", "video: studio asked for it"}, w.waker.woken); diff != "" {
		t.Errorf("woken: -want, +got:\n%s", diff)
	}
}

// TestHeld has a program wait for a server, which comes.
func TestHeld(t *testing.T) {
	w := newWorld(t, 0)
	done := make(chan response)

	go func() { done <- w.program().do(http.MethodPost, "/prompt", graph("a"), "Prefer", "wait=30") }()

	until(func() bool { return w.waker.count() > 0 })

	w.add("late")
	w.sync()

	got := <-done
	if got.status != http.StatusOK || !strings.Contains(got.body, "prompt_id") {
		t.Fatalf("a prompt that was held: %d %s", got.status, got.body)
	}
}
