package cookie

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type body struct {
	Name string `json:"n"`
}

func keys(t testing.TB, all ...byte) *Keys {
	t.Helper()

	var raw [][]byte
	for _, b := range all {
		raw = append(raw, bytes.Repeat([]byte{b}, KeySize))
	}

	k, err := New(raw[0], raw[1:]...)
	if err != nil {
		t.Fatal(err)
	}

	return k
}

func TestOpen(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)

	text, err := keys(t, 1).Seal(Session, body{"alice"}, now, time.Minute)
	if err != nil {
		t.Fatal(err)
	}

	cases := map[string]struct {
		reason  string
		keys    *Keys
		purpose Purpose
		text    string
		at      time.Time
		want    bool
	}{
		"Same":     {reason: "It opens.", keys: keys(t, 1), purpose: Session, text: text, at: now, want: true},
		"OldKey":   {reason: "An old key opens.", keys: keys(t, 2, 1), purpose: Session, text: text, at: now, want: true},
		"Dropped":  {reason: "One that was dropped does not.", keys: keys(t, 2), purpose: Session, text: text, at: now},
		"Purpose":  {reason: "It is for one purpose.", keys: keys(t, 1), purpose: Pin, text: text, at: now},
		"Last":     {reason: "To the last second.", keys: keys(t, 1), purpose: Session, text: text, at: now.Add(59 * time.Second), want: true},
		"Expired":  {reason: "And not a second longer.", keys: keys(t, 1), purpose: Session, text: text, at: now.Add(time.Minute)},
		"Skew":     {reason: "Clocks may differ.", keys: keys(t, 1), purpose: Session, text: text, at: now.Add(-5 * time.Minute), want: true},
		"Tomorrow": {reason: "But not by much.", keys: keys(t, 1), purpose: Session, text: text, at: now.Add(-6 * time.Minute)},
		"Cut":      {reason: "All of it counts.", keys: keys(t, 1), purpose: Session, text: text[:len(text)-1], at: now},
		"Empty":    {reason: "Nothing is none.", keys: keys(t, 1), purpose: Session, at: now},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var got body

			issued, err := tc.keys.Open(tc.purpose, tc.text, tc.at, &got)
			if tc.want != (err == nil) || (err != nil && !errors.Is(err, ErrNotOurs)) {
				t.Fatalf("%s\nOpen(...): %v", tc.reason, err)
			}

			if tc.want && (got.Name != "alice" || !issued.Equal(now)) {
				t.Errorf("Open(...): got %+v of %s", got, issued)
			}
		})
	}
}

// TestSize keeps all cookies together far below what browsers and CloudFront take.
func TestSize(t *testing.T) {
	text, err := keys(t, 1).Seal(Session, body{strings.Repeat("a", 254)}, time.Now(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}

	if len(text) >= 1024 {
		t.Errorf("a session of the longest address has %d bytes", len(text))
	}
}

func TestShortKey(t *testing.T) {
	if _, err := New(make([]byte, KeySize-1)); err == nil {
		t.Error("a short key is taken")
	}
}

func TestJar(t *testing.T) {
	w := httptest.NewRecorder()
	j := Jar{Keys: keys(t, 1), Encrypted: true}

	if err := j.Set(w, Session, "", body{"alice"}, time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}

	line := w.Header().Get("Set-Cookie")
	for _, want := range []string{"__Host-studio-session=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Max-Age=3600"} {
		if !strings.Contains(line, want) {
			t.Errorf("the cookie lacks %q: %s", want, line)
		}
	}

	if strings.Contains(line, "Domain") {
		t.Errorf("a cookie with a domain is other hosts' too: %s", line)
	}
}

func TestStrip(t *testing.T) {
	cases := map[string]struct {
		reason string
		lines  []string
		want   []string
	}{
		"Ours":    {reason: "None is left.", lines: []string{"__Host-studio-session=a; studio-pin=b"}},
		"Mixed":   {reason: "Others stay.", lines: []string{"a=b; __Host-studio-session=c; d=e"}, want: []string{"a=b; d=e"}},
		"Lines":   {reason: "HTTP/2 sends each in a line of its own.", lines: []string{"a=b", "studio-device=c", "d=e"}, want: []string{"a=b; d=e"}},
		"Case":    {reason: "In every spelling.", lines: []string{"__HOST-Studio-Session=a; STUDIO-x=b;studio-y = c"}},
		"Similar": {reason: "What only looks like it is another's.", lines: []string{"studio=a; my-studio-x=b"}, want: []string{"studio=a; my-studio-x=b"}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Cookie": tc.lines}
			Strip(h)

			if diff := cmp.Diff(tc.want, h.Values("Cookie")); diff != "" {
				t.Errorf("%s\nStrip(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// FuzzOpen opens nothing that was not sealed here.
func FuzzOpen(f *testing.F) {
	k, now := keys(f, 1), time.Unix(1_800_000_000, 0)

	sound, err := k.Seal(Session, body{"alice"}, now, time.Hour)
	if err != nil {
		f.Fatal(err)
	}

	pin, err := k.Seal(Pin, body{"alice"}, now, time.Hour)
	if err != nil {
		f.Fatal(err)
	}

	for _, text := range []string{sound, pin, "", ".", "....", "eyJhbGciOiJub25lIn0.e30.", strings.Replace(sound, ".", "..", 1), sound + "."} {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text string) {
		var got body
		// base64 may write the last letter in several ways: what opens must say what
		// was sealed.
		if _, err := k.Open(Session, text, now, &got); err == nil && got.Name != "alice" {
			t.Errorf("%q opens as %+v", text, got)
		}
	})
}
