package route

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCanonical(t *testing.T) {
	cases := map[string]struct {
		reason string
		raw    string
		want   []string
		bad    bool
	}{
		"Root":       {reason: "The page has no segments.", raw: "/"},
		"Plain":      {reason: "Segments are split.", raw: "/api/queue", want: []string{"api", "queue"}},
		"Slash":      {reason: "A slash at the end means the same.", raw: "/api/queue/", want: []string{"api", "queue"}},
		"Decoded":    {reason: "They are decoded once.", raw: "/%71ueue", want: []string{"queue"}},
		"Space":      {reason: "Names may have spaces.", raw: "/userdata/a%20b.json", want: []string{"userdata", "a b.json"}},
		"Workflow":   {reason: "Names of users' files may have folders.", raw: "/api/userdata/workflows%2Fa.json", want: []string{"api", "userdata", "workflows/a.json"}},
		"V2":         {reason: "In the newer form too.", raw: "/api/v2/userdata/workflows%2Fa.json", want: []string{"api", "v2", "userdata", "workflows/a.json"}},
		"Twice":      {reason: "What is encoded twice is two paths.", raw: "/%2571ueue", bad: true},
		"Dots":       {reason: "Dots lead elsewhere.", raw: "/a/../b", bad: true},
		"Encoded":    {reason: "Encoded ones too.", raw: "/a/%2e%2E/b", bad: true},
		"Dot":        {reason: "And one alone.", raw: "/a/./b", bad: true},
		"Empty":      {reason: "An empty segment is a host to some.", raw: "/a//b", bad: true},
		"Backslash":  {reason: "A backslash is a slash to some.", raw: "/a%5cb", bad: true},
		"NUL":        {reason: "A path ends at NUL for some.", raw: "/a%00", bad: true},
		"Parameter":  {reason: "What follows a semicolon is no path to some.", raw: "/a;b", bad: true},
		"Fragment":   {reason: "Nor what follows a hash.", raw: "/a%23b", bad: true},
		"Query":      {reason: "Nor a question mark.", raw: "/a%3fb", bad: true},
		"Folder":     {reason: "Elsewhere a slash is a slash.", raw: "/view%2Fa", bad: true},
		"FolderDots": {reason: "Files do not lead out of their folder.", raw: "/userdata/..%2Fa", bad: true},
		"FirstSlash": {reason: "A segment with a slash leads to no users' files.", raw: "/userdata%2Fa", bad: true},
		"Bytes":      {reason: "What is no text is nothing.", raw: "/a%ffb", bad: true},
		"Long":       {reason: "Nobody names a file so.", raw: "/" + strings.Repeat("a", longestPath), bad: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			u, err := url.ParseRequestURI(tc.raw)
			if err != nil {
				t.Fatal(err)
			}

			got, err := Canonical(u)
			if (err != nil) != tc.bad {
				t.Fatalf("%s\nCanonical(%q): %v", tc.reason, tc.raw, err)
			}

			if diff := cmp.Diff(tc.want, got); err == nil && diff != "" {
				t.Errorf("%s\nCanonical(%q): -want, +got:\n%s", tc.reason, tc.raw, diff)
			}
		})
	}

	for _, raw := range []string{"http://evil/queue", "//evil/queue"} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}

		if _, err := Canonical(u); err == nil {
			t.Errorf("Canonical(%q): a path with a host is taken", raw)
		}
	}
}

func TestFind(t *testing.T) {
	cases := map[string]struct {
		method, path string
		want         Route
	}{
		"Page":          {"GET", "/", Route{Kind: Page}},
		"PageHead":      {"HEAD", "/", Route{Kind: Page}},
		"PagePost":      {"POST", "/", Route{}},
		"Own":           {"POST", "/_studio/beat", Route{Kind: Own}},
		"Socket":        {"GET", "/ws", Route{Kind: Socket}},
		"SocketAPI":     {"GET", "/api/ws", Route{Kind: Socket}},
		"Submit":        {"POST", "/api/prompt", Route{Kind: Submit}},
		"Load":          {"GET", "/prompt", Route{Kind: Load}},
		"Queue":         {"GET", "/queue", Route{Kind: Queue}},
		"ChangeQueue":   {"POST", "/queue", Route{Kind: ChangeQueue}},
		"HistoryOf":     {"GET", "/api/history/x", Route{HistoryOf, "x"}},
		"HistoryPut":    {"PUT", "/history/x", Route{}},
		"Jobs":          {"GET", "/api/jobs", Route{Kind: Jobs}},
		"Job":           {"GET", "/api/jobs/x", Route{Job, "x"}},
		"Cancel":        {"POST", "/api/jobs/x/cancel", Route{Cancel, "x"}},
		"CancelMany":    {"POST", "/api/jobs/cancel", Route{Kind: CancelMany}},
		"BareJobs":      {"GET", "/jobs", Route{}},
		"Upload":        {"POST", "/upload/image", Route{Kind: Upload}},
		"UploadGet":     {"GET", "/upload/image", Route{}},
		"Info":          {"GET", "/object_info", Route{Kind: Info}},
		"InfoOf":        {"GET", "/object_info/KSampler", Route{Kind: Other}},
		"Settings":      {"POST", "/settings/a", Route{Kind: Other}},
		"UserData":      {"DELETE", "/userdata/a.json", Route{Kind: Other}},
		"Asset":         {"GET", "/assets/index-1a2b.js", Route{Kind: Other}},
		"Favicon":       {"GET", "/favicon.ico", Route{Kind: Static}},
		"Script":        {"GET", "/scripts/app.js", Route{Kind: Static}},
		"Node":          {"POST", "/pysssss/autocomplete", Route{Kind: Other}},
		"OtherNode":     {"POST", "/mtb/actions", Route{}},
		"Internal":      {"GET", "/internal/logs", Route{}},
		"InternalFile":  {"GET", "/internal/files/output.json", Route{}},
		"Manager":       {"GET", "/manager/reboot", Route{}},
		"ManagerAPI":    {"GET", "/api/manager/queue/start", Route{}},
		"ManagerScript": {"GET", "/manager/x.js", Route{}},
		"API":           {"GET", "/api", Route{}},
		"Options":       {"OPTIONS", "/api/prompt", Route{}},
		"Trace":         {"TRACE", "/queue", Route{}},
	}

	table := Table{NodeRoutes: map[string]bool{"pysssss": true}}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			segments, err := Canonical(&url.URL{Path: tc.path})
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, table.Find(tc.method, segments)); diff != "" {
				t.Errorf("Find(%s %s): -want, +got:\n%s", tc.method, tc.path, diff)
			}
		})
	}
}

// FuzzCanonical holds that what is taken means the same to a server that decodes
// a path again, cleans it, or splits it at the other slash.
func FuzzCanonical(f *testing.F) {
	for _, raw := range []string{"/", "/api/queue", "/%69nternal/logs", "/a/../b", "/userdata/workflows%2Fa.json", "/a;b", "/a%00", "/%252e%252e/a", "/a%5c..", "//a", "/userdata/..%2f..%2finternal"} {
		f.Add(raw)
	}

	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil || u.Host != "" {
			return
		}

		segments, err := Canonical(u)
		if err != nil {
			return
		}

		for _, s := range segments {
			again, err := url.PathUnescape(s)
			if err != nil || again != s {
				t.Errorf("%q: the segment %q decodes to %q", raw, s, again)
			}

			if s == "" || s == "." || s == ".." || strings.ContainsAny(s, "\\\x00\r\n;#?") || strings.Contains(s, "..") && strings.Contains(s, "/../") {
				t.Errorf("%q: the segment %q means something else to others", raw, s)
			}
		}

		// A mux of another kind must find the same first segment.
		first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		if len(segments) > 0 && segments[0] != first {
			t.Errorf("%q: begins with %q for us and with %q for others", raw, segments[0], first)
		}

		if (Table{}).Find(http.MethodGet, segments).Kind != Refused && strings.EqualFold(first, "internal") {
			t.Errorf("%q: leads to a server's inside", raw)
		}
	})
}
