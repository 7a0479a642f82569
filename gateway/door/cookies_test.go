package door

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/cookie"
	"github.com/comfyui-studio/comfyui-studio/gateway/login"
)

// TestCookies goes in with every cookie that must not open the door.
func TestCookies(t *testing.T) {
	w := newWorld(t, 1)
	now := time.Now()
	keys := w.store.Secrets().Cookies
	good := login.Session{ID: "id", User: "studio", Mode: config.ModePassword, Epoch: w.store.Secrets().PasswordEpoch}

	seal := func(k *cookie.Keys, p cookie.Purpose, s login.Session, at time.Time, lasts time.Duration) string {
		text, err := k.Seal(p, s, at, lasts)
		if err != nil {
			t.Fatal(err)
		}

		return text
	}

	other, err := cookie.New(make([]byte, cookie.KeySize))
	if err != nil {
		t.Fatal(err)
	}

	oldPassword, oldMode, nobody := good, good, good
	oldPassword.Epoch, oldMode.Mode, nobody.User = "0000000000000000", config.ModeOIDC, ""
	sound := seal(keys, cookie.Session, good, now, time.Hour)

	cases := map[string]struct {
		reason string
		cookie string
		want   int
	}{
		"Good":         {reason: "What we sealed opens.", cookie: sound, want: http.StatusOK},
		"Forged":       {reason: "Another key's is none of ours.", cookie: seal(other, cookie.Session, good, now, time.Hour), want: http.StatusUnauthorized},
		"Damaged":      {reason: "A cookie that was changed is none.", cookie: sound[:len(sound)-6] + "AAAAAA", want: http.StatusUnauthorized},
		"Expired":      {reason: "It ends.", cookie: seal(keys, cookie.Session, good, now.Add(-2*time.Hour), time.Hour), want: http.StatusUnauthorized},
		"FromTomorrow": {reason: "One of the future is not made by us.", cookie: seal(keys, cookie.Session, good, now.Add(time.Hour), time.Hour), want: http.StatusUnauthorized},
		"Pin":          {reason: "What was made for another purpose is no session.", cookie: seal(keys, cookie.Pin, good, now, time.Hour), want: http.StatusUnauthorized},
		"Device":       {reason: "A browser that is known is not logged in.", cookie: seal(keys, cookie.Device, good, now, time.Hour), want: http.StatusUnauthorized},
		"OldPassword":  {reason: "Who came in by a password that was changed is out.", cookie: seal(keys, cookie.Session, oldPassword, now, time.Hour), want: http.StatusUnauthorized},
		"OldMode":      {reason: "So is who came in by another way.", cookie: seal(keys, cookie.Session, oldMode, now, time.Hour), want: http.StatusUnauthorized},
		"Nobody":       {reason: "A session is somebody's.", cookie: seal(keys, cookie.Session, nobody, now, time.Hour), want: http.StatusUnauthorized},
		"None":         {reason: "A token without encryption is none.", cookie: "eyJhbGciOiJub25lIn0.e30.", want: http.StatusUnauthorized},
		"Long":         {reason: "What is longer than a cookie is not looked at.", cookie: strings.Repeat("A", 8000), want: http.StatusUnauthorized},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := w.browser().fetch(http.MethodGet, "/api/queue", "", "Cookie", "studio-session="+tc.cookie)
			if diff := cmp.Diff(tc.want, got.status); diff != "" {
				t.Errorf("%s\nGET /api/queue: -want, +got:\n%s\n%s", tc.reason, diff, got.body)
			}
		})
	}
}

// TestRotation changes the cookies' key while somebody is logged in.
func TestRotation(t *testing.T) {
	w := newWorld(t, 1)
	c := w.artist()
	document := w.source["front-door"]
	rotate := func(with string) {
		w.source["front-door"] = strings.Replace(document, `{"cookieKey":"`, with, 1)

		if _, err := w.store.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	const next = "bmV4dG5leHRuZXh0bmV4dG5leHRuZXh0bmV4dG5leHQ="

	old, _, _ := strings.Cut(strings.TrimPrefix(document, `{"cookieKey":"`), `"`)

	rotate(`{"otherCookieKeys":["` + old + `"],"cookieKey":"` + next + `","was":"`)

	if got := c.fetch(http.MethodGet, "/api/queue", ""); got.status != http.StatusOK {
		t.Errorf("with the old key beside the new one: want 200, got %d", got.status)
	}

	rotate(`{"cookieKey":"` + next + `","was":"`)

	if got := c.fetch(http.MethodGet, "/api/queue", ""); got.status != http.StatusUnauthorized {
		t.Errorf("a cookie of a key that was dropped: want 401, got %d", got.status)
	}
}
