package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/argon2"
)

const seed = "0123456789abcdef0123456789abcdef"

// TestPinned pins what a seed gives. Another value is another password for every
// studio there is, and ends every session.
func TestPinned(t *testing.T) {
	want := map[string]string{
		KeySeed:         seed,
		KeyPassword:     "6vxaz-qjmm7-24ss2-wpg2p",
		KeyPasswordHash: "$argon2id$v=19$m=12288,t=3,p=1$bT24Kk2yo9ZH0hrm1UQ+jQ$83b3lr8HaqhUN5wbQWar4wBO+nslEkNK6yCfG4vjZr0",
		KeyCookieKey:    "khlWneVInXQhjAXuTd9lgn4nsKMl3iHznsWpQCWU0XU=",
		KeyOriginSecret: "Zt-CydXdqBI2N8vhMflUBsMT0Ovl1rJgB7lLNyUFblQ",
		KeyFrontDoor: `{"cookieKey":"khlWneVInXQhjAXuTd9lgn4nsKMl3iHznsWpQCWU0XU=","originSecret":"Zt-CydXdqBI2N8vhMflUBsMT0Ovl1rJgB7lLNyUFblQ",` +
			`"passwordHash":"$argon2id$v=19$m=12288,t=3,p=1$bT24Kk2yo9ZH0hrm1UQ+jQ$83b3lr8HaqhUN5wbQWar4wBO+nslEkNK6yCfG4vjZr0"}`,
	}

	got := map[string]string{}
	for k, v := range Data(seed) {
		got[k] = string(v)
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Data(...): -want, +got:\n%s", diff)
	}
}

func TestFormats(t *testing.T) {
	cases := map[string]struct {
		reason  string
		got     string
		pattern string
	}{
		"Password": {
			reason:  "People read it aloud: no letter in it is taken for a digit.",
			got:     Password(seed),
			pattern: `^[0-9a-hjkmnp-tv-z]{5}(-[0-9a-hjkmnp-tv-z]{5}){3}$`,
		},
		"Hash": {
			reason:  "The bounds stand in the hash, where a check takes them from.",
			got:     PasswordHash(seed),
			pattern: `^\$argon2id\$v=19\$m=12288,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`,
		},
		"Origin": {
			reason:  "It fits a header as it is.",
			got:     Origin(seed),
			pattern: `^[A-Za-z0-9_-]{43}$`,
		},
		"CookieKey": {
			reason:  "32 bytes, for AES-256.",
			got:     CookieKey(seed),
			pattern: `^[A-Za-z0-9+/]{43}=$`,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if !regexp.MustCompile(tc.pattern).MatchString(tc.got) {
				t.Errorf("%s\n%s: want %s, got %q", tc.reason, name, tc.pattern, tc.got)
			}
		})
	}
}

// TestHash holds that the hash is the password's, by argon2 itself.
func TestHash(t *testing.T) {
	f := strings.Split(PasswordHash(seed), "$")

	salt, err := base64.RawStdEncoding.DecodeString(f[4])
	if err != nil {
		t.Fatal(err)
	}

	want := base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte(Password(seed)), salt, 3, 12288, 1, 32))
	if want != f[5] {
		t.Errorf("PasswordHash(...): want %s, got %s", want, f[5])
	}
}

// TestApart holds that two seeds share nothing, and that no value of one seed
// holds another, but for the document that is made of them.
func TestApart(t *testing.T) {
	other := Data(strings.Repeat("x", SeedSize))

	for k, v := range Data(seed) {
		if string(v) == string(other[k]) {
			t.Errorf("%s is the same for two seeds: %q", k, v)
		}

		for k2, v2 := range Data(seed) {
			if k2 != k && k2 != KeyFrontDoor && bytes.Contains(v2, v) {
				t.Errorf("%s holds %s", k2, k)
			}
		}
	}
}

// TestFrontDoor holds the password and the seed back from the front door.
func TestFrontDoor(t *testing.T) {
	got := map[string]string{}
	if err := json.Unmarshal(Data(seed)[KeyFrontDoor], &got); err != nil {
		t.Fatal(err)
	}

	want := map[string]string{"cookieKey": CookieKey(seed), "originSecret": Origin(seed), "passwordHash": PasswordHash(seed)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -want, +got:\n%s", KeyFrontDoor, diff)
	}
}

func TestMemory(t *testing.T) {
	m, calls := memory{}, 0
	count := func(key string) string {
		calls++
		return key + "!"
	}

	for i := range limit + 1 {
		key := strconv.Itoa(i)
		if got := m.get(key, count) + m.get(key, count); got != key+"!"+key+"!" {
			t.Fatalf("get(%s): got %s", key, got)
		}
	}

	if calls != limit+1 {
		t.Errorf("A value is made once: want %d calls, got %d", limit+1, calls)
	}

	if keys := slices.Collect(maps.Keys(m.known)); len(keys) != 1 {
		t.Errorf("A full memory starts again: it holds %d values", len(keys))
	}
}
