package login

import (
	"net/url"
	"strings"
	"testing"
)

// TestReturn has the tricks that other front doors fell for: oauth2-proxy's
// CVE-2020-4037, CVE-2020-5233 and CVE-2020-11053, and what browsers make of them.
func TestReturn(t *testing.T) {
	cases := map[string]string{
		"/":                             "/",
		"/?workflow=a%2Fb":              "/?workflow=a%2Fb",
		"/view?filename=a.png#x":        "/view?filename=a.png#x",
		"/userdata/workflows%2Fa.json":  "/userdata/workflows%2Fa.json",
		"":                              "/",
		"evil.example":                  "/",
		"//evil.example":                "/",
		"///evil.example":               "/",
		"/\\evil.example":               "/",
		"\\\\evil.example":              "/",
		"/%5cevil.example":              "/",
		"/%2f/evil.example":             "/",
		"/%2fevil.example":              "/",
		"/\t/evil.example":              "/",
		"/%09/evil.example":             "/",
		"/ /evil.example":               "/",
		"/\n/evil.example":              "/",
		"/\r\nLocation: //evil":         "/",
		"/%0d%0aLocation:%20//evil":     "/",
		"/\v/evil.example":              "/",
		"/./\\evil.example":             "/",
		"/.//evil.example":              "/",
		"/../..//evil.example":          "/",
		"/%2e%2e//evil.example":         "/",
		"/a/..//evil.example":           "/",
		"https://evil.example":          "/",
		"https:evil.example":            "/",
		"https:/evil.example":           "/",
		"http:///evil.example":          "/",
		"javascript:alert(1)":           "/",
		"//user@evil.example":           "/",
		"/\u3002evil.example":           "/",
		"/\u2215evil.example":           "/",
		"/_studio/logout":               "/",
		"/" + strings.Repeat("a", 1024): "/",
	}

	for to, want := range cases {
		if got := Return(to); got != want {
			t.Errorf("Return(%q): want %q, got %q", to, want, got)
		}
	}
}

// FuzzReturn holds that a browser stays at the studio.
func FuzzReturn(f *testing.F) {
	for _, to := range []string{"/", "/?a=b", "//evil", "/\\evil", "/%5cevil", "/%2f/evil", "/\t/evil", "/../..//evil", "https:evil", "/a/./b", "/%0d%0a"} {
		f.Add(to)
	}

	base, err := url.Parse("https://studio.example.com/_studio/callback")
	if err != nil {
		f.Fatal(err)
	}

	f.Fuzz(func(t *testing.T, to string) {
		got := Return(to)

		// A browser takes out tabs and line ends, and takes a backslash for a slash.
		seen := strings.NewReplacer("\t", "", "\r", "", "\n", "", "\\", "/").Replace(got)

		u, err := base.Parse(seen)
		if err != nil {
			t.Fatalf("Return(%q): %q is no reference: %v", to, got, err)
		}

		if u.Scheme != "https" || u.Host != "studio.example.com" || u.User != nil || strings.HasPrefix(u.Path, "//") {
			t.Errorf("Return(%q): %q leads to %s", to, got, u)
		}
	})
}
