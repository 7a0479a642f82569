package login

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
	"github.com/comfyui-studio/comfyui-studio/gateway/cookie"
)

// sessionLasts is how long somebody stays logged in. It is absolute.
const sessionLasts = 12 * time.Hour

// A Session is somebody who logged in. It holds what let them in, so that they are
// out once that lets nobody in any more: nothing else ends the session of somebody
// whose cookie was copied.
type Session struct {
	// ID tells sessions of one person apart.
	ID   string `json:"id"`
	User string `json:"u"`
	// Mode is how they logged in.
	Mode config.Mode `json:"m"`
	// Epoch is the password's.
	Epoch string `json:"e,omitempty"`
	// Via is what the allow-lists let in: their address, its domain, or a group.
	Via Grant `json:"v,omitzero"`
}

// Who is logged in with a request. A cookie that is damaged is no cookie.
func (d *Desk) Who(r *http.Request, now time.Time) (Session, bool) {
	var s Session
	if _, ok := d.jar().Get(r, cookie.Session, "", now, &s); !ok || s.User == "" || s.ID == "" {
		return Session{}, false
	}

	return s, d.stillMay(s)
}

// stillMay says that what let somebody in still does.
func (d *Desk) stillMay(s Session) bool {
	c := d.Config()
	if s.Mode != c.Login.Mode {
		return false
	}

	if s.Mode == config.ModePassword {
		return s.Epoch != "" && s.Epoch == d.Secrets().PasswordEpoch
	}

	return granted(s.Via, c.Login.OIDC)
}

func (d *Desk) jar() cookie.Jar {
	return cookie.Jar{Keys: d.Secrets().Cookies, Encrypted: d.Config().Edge.Encrypted}
}

// admit gives somebody a session of their own, whatever they came with.
func (d *Desk) admit(w http.ResponseWriter, s Session, now time.Time) error {
	s.ID = random()
	if err := d.jar().Set(w, cookie.Session, "", s, now, sessionLasts); err != nil {
		return err
	}

	return d.jar().Set(w, cookie.Device, "", device{ID: random()}, now, deviceLasts)
}

// random is 128 bits that nobody guesses.
func random() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)

	return base64.RawURLEncoding.EncodeToString(b)
}
