package metric

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/door"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// TestMetrics counts a little of everything and looks at what Prometheus is shown.
func TestMetrics(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	table := servers.NewTable()
	table.Set([]servers.Endpoint{{UID: "a", Pod: "a", Pool: "default", Ready: true}, {UID: "b", Pod: "b", Pool: "default", Ready: true, Draining: true}}, now)

	for _, s := range table.All("") {
		table.Answered(s.Tag, 3, nil)
	}

	m := New(table, Sockets{Joined: func() int { return 4 }, Parked: func() int { return 5 }}, func() time.Time { return now })

	m.Take(door.Answer{Method: http.MethodGet, Status: 200, User: "studio", Session: "early", Took: time.Millisecond})

	now = now.Add(present + time.Second)

	for i := range 3 {
		m.Take(door.Answer{Method: "BREW-" + strconv.Itoa(i), Status: 200, User: "studio", Session: strconv.Itoa(i % 2), Path: "/secret"})
	}

	m.Take(door.Answer{Method: http.MethodPost, Status: 503, User: "ci", Program: true})
	m.Woken("default", "image", 70*time.Second)
	m.Waited("default", false, 50*time.Second)

	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	body := w.Body.String()

	for _, want := range []string{
		`comfyui_studio_request_duration_seconds_count{caller="person",method="other",status="2xx"} 3`,
		`comfyui_studio_request_duration_seconds_count{caller="program",method="POST",status="5xx"} 1`,
		`comfyui_studio_wake_stage_seconds_sum{pool="default",stage="image"} 70`,
		`comfyui_studio_wait_seconds_count{came="false",pool="default"} 1`,
		`comfyui_studio_servers{pool="default",takes="false"} 1`, `comfyui_studio_queue{pool="default"} 6`,
		"comfyui_studio_sockets 4", "comfyui_studio_parked_sockets 5", "comfyui_studio_sessions 2",
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}

	for _, secret := range []string{"BREW", "secret", "early"} {
		if strings.Contains(body, secret) {
			t.Errorf("the metrics tell %s", secret)
		}
	}
}
