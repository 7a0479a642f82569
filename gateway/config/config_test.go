package config

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, name string) string {
	t.Helper()

	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}

	return string(b)
}

// TestGolden reads what the function composes for its examples.
func TestGolden(t *testing.T) {
	for _, name := range []string{"minimal", "inside", "private"} {
		if _, err := Parse([]byte(read(t, name))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	got, err := Parse([]byte(read(t, "full")))
	if err != nil {
		t.Fatal(err)
	}

	windows := got.Sleep.Schedule
	got.Sleep.Schedule = windows[:1]

	want := Config{
		Studio: "art/paris", Region: "eu-west-3",
		Pools: []Pool{{Name: "interactive", Min: 1, Max: 3}, {Name: "video", Max: 2}},
		Sleep: &Sleep{
			AfterIdle: Duration(45 * time.Minute),
			Schedule:  []Window{{Days: []string{"Mon", "Tue", "Wed", "Thu"}, Start: "20:00", End: "08:00", TimeZone: "Europe/Paris"}},
		},
		Login: Login{Mode: ModeOIDC, OIDC: &OIDC{
			Issuer: "https://login.example.com/realms/art", ClientID: "comfyui-studio",
			AllowedEmails: []string{"guest@example.org"}, AllowedDomains: []string{"example.com"}, AllowedGroups: []string{"studio-users"},
		}},
		Edge: Edge{
			CDN: true, OriginHeader: "X-Comfyui-Studio-Origin", Encrypted: true, Domain: "studio.example.com",
			AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:40::/48")},
		},
		Parameters: Parameters{
			FrontDoor: "/comfyui-studio/paris-8ae4ac-front-door", APITokens: "/comfyui-studio/paris-8ae4ac-api-tokens",
			OIDCClientSecret: "/comfyui-studio/paris-8ae4ac-oidc-client-secret",
		},
	}

	// netip.Prefix has no exported fields.
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("Parse(full): -want, +got:\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	cases := map[string]struct {
		reason   string
		old, new string
		want     string
	}{
		"Unknown":  {reason: "A rule that we do not know is not left out.", old: `"cdn":true`, new: `"cdn":true,"onlyMondays":true`, want: "onlyMondays"},
		"NoMode":   {reason: "Without a way to log in nobody is let in.", old: `"mode":"OIDC"`, new: `"mode":""`, want: "login.mode"},
		"Anybody":  {reason: "A provider alone is no allow-list.", old: `"allowedEmails":["guest@example.org"],"allowedDomains":["example.com"],"allowedGroups":["studio-users"]`, new: `"allowedEmails":[]`, want: "nobody"},
		"NoProof":  {reason: "CloudFront is known by the header alone.", old: `"originHeader":"X-Comfyui-Studio-Origin",`, new: ``, want: "originHeader"},
		"NoCIDR":   {reason: "A range that is none allows nobody.", old: "203.0.113.0/24", new: "203.0.113.0", want: "configuration"},
		"NoZone":   {reason: "A zone that is none would be UTC.", old: "Europe/Paris", new: "Europe/Pari", want: "timeZone"},
		"NoPools":  {reason: "There is nowhere to go.", old: `"pools":[{"name":"interactive","min":1,"max":3},{"name":"video","min":0,"max":2}]`, new: `"pools":[]`, want: "pools"},
		"Negative": {reason: "Idleness does not run backwards.", old: `"45m0s"`, new: `"-45m0s"`, want: "configuration"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			text := read(t, "full")
			if !strings.Contains(text, tc.old) {
				t.Fatalf("the golden file has no %s", tc.old)
			}

			_, err := Parse([]byte(strings.ReplaceAll(text, tc.old, tc.new)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s\nParse(...): want an error with %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

// TestWatch changes a file twice: to what cannot be followed, and to what can.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	write(read(t, "minimal"))

	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}

	synctest.Test(t, func(t *testing.T) {
		go f.Watch(t.Context(), 10*time.Second, slog.New(slog.DiscardHandler))

		write("{")
		time.Sleep(11 * time.Second)

		if got := f.Config().Studio; got != "art/tokyo" {
			t.Errorf("what cannot be read changed the studio to %q", got)
		}

		write(read(t, "inside"))
		time.Sleep(11 * time.Second)

		if got := f.Config().Studio; got != "art/oslo" {
			t.Errorf("a new configuration is not followed: %q", got)
		}
	})
}
