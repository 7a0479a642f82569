// Package config is what the front door shall do, as the studio's ConfigMap has
// it. Nothing in it is secret: secrets are named by their parameters.
//
// A field that we do not know is an error. It may be a rule, and one that is left
// out silently lets people in.
package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"
)

// A Config is the whole of it.
type Config struct {
	Studio     string     `json:"studio"`
	Region     string     `json:"region"`
	Pools      []Pool     `json:"pools"`
	Sleep      *Sleep     `json:"sleep,omitempty"`
	Login      Login      `json:"login"`
	Edge       Edge       `json:"edge"`
	Parameters Parameters `json:"parameters"`
	// Artefacts is the bucket that nodes say in how their models are.
	Artefacts string `json:"artefacts,omitempty"`
	// NodeRoutes are first segments of paths that custom nodes serve.
	NodeRoutes []string `json:"nodeRoutes,omitempty"`
}

// A Pool is servers that are alike.
type Pool struct {
	Name string `json:"name"`
	Min  int32  `json:"min"`
	Max  int32  `json:"max"`
}

// Sleep is when servers are put to sleep.
type Sleep struct {
	// AfterIdle is zero where idleness puts nothing to sleep.
	AfterIdle Duration `json:"afterIdle,omitempty"`
	Schedule  []Window `json:"schedule,omitempty"`
}

// A Window is a time in which servers sleep.
type Window struct {
	Days     []string `json:"days"`
	Start    string   `json:"start"`
	End      string   `json:"end"`
	TimeZone string   `json:"timeZone"`
}

// A Mode is a way to log in.
type Mode string

// The ways there are.
const (
	ModePassword Mode = "Password"
	ModeOIDC     Mode = "OIDC"
)

// Login is how people log in.
type Login struct {
	Mode Mode  `json:"mode"`
	OIDC *OIDC `json:"oidc,omitempty"`
}

// OIDC is an OpenID Connect provider, and who of its people is let in.
type OIDC struct {
	Issuer         string   `json:"issuer"`
	ClientID       string   `json:"clientID"`
	AllowedEmails  []string `json:"allowedEmails,omitempty"`
	AllowedDomains []string `json:"allowedDomains,omitempty"`
	AllowedGroups  []string `json:"allowedGroups,omitempty"`
}

// Edge is what stands between viewers and the front door.
type Edge struct {
	CDN          bool           `json:"cdn"`
	OriginHeader string         `json:"originHeader,omitempty"`
	Encrypted    bool           `json:"encrypted"`
	Domain       string         `json:"domain,omitempty"`
	AllowedCIDRs []netip.Prefix `json:"allowedCIDRs,omitempty"`
}

// Parameters name what is secret.
type Parameters struct {
	FrontDoor        string `json:"frontDoor"`
	APITokens        string `json:"apiTokens,omitempty"`
	OIDCClientSecret string `json:"oidcClientSecret,omitempty"`
}

// A Duration is written as Go does: 45m0s.
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return err
	}

	if v < 0 {
		return fmt.Errorf("%s is less than nothing", v)
	}

	*d = Duration(v)

	return nil
}

// Parse reads a configuration and checks that it can be followed.
func Parse(b []byte) (Config, error) {
	var c Config

	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()

	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("cannot read the configuration: %w", err)
	}

	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("cannot follow the configuration: %w", err)
	}

	return c, nil
}

func (c Config) check() error {
	return errors.Join(c.checkPools(), c.checkLogin(), c.checkEdge(), c.checkSleep())
}

func (c Config) checkPools() error {
	if len(c.Pools) == 0 {
		return errors.New("pools is empty")
	}

	seen := map[string]bool{}

	for _, p := range c.Pools {
		if p.Name == "" || seen[p.Name] {
			return fmt.Errorf("pools has %q twice or without a name", p.Name)
		}

		if p.Min < 0 || p.Max < p.Min {
			return fmt.Errorf("pools: %s wants %d to %d servers", p.Name, p.Min, p.Max)
		}

		seen[p.Name] = true
	}

	return nil
}

func (c Config) checkLogin() error {
	switch c.Login.Mode {
	case ModePassword:
	case ModeOIDC:
		o := c.Login.OIDC
		if o == nil {
			return errors.New("login.mode is OIDC and login.oidc is missing")
		}

		if u, err := url.Parse(o.Issuer); err != nil || u.Host == "" {
			return fmt.Errorf("login.oidc.issuer is no URL: %q", o.Issuer)
		}

		if o.ClientID == "" || c.Parameters.OIDCClientSecret == "" {
			return errors.New("login.oidc needs clientID and parameters.oidcClientSecret")
		}

		// With many providers anyone can get an account.
		if len(o.AllowedEmails)+len(o.AllowedDomains)+len(o.AllowedGroups) == 0 {
			return errors.New("login.oidc says of nobody that they are allowed")
		}
	default:
		return fmt.Errorf("login.mode is %q", c.Login.Mode)
	}

	if c.Parameters.FrontDoor == "" {
		return errors.New("parameters.frontDoor is missing")
	}

	return nil
}

func (c Config) checkEdge() error {
	if c.Edge.CDN && c.Edge.OriginHeader == "" {
		return errors.New("edge.cdn is set and edge.originHeader is missing")
	}

	return nil
}

func (c Config) checkSleep() error {
	if c.Sleep == nil {
		return nil
	}

	for i, w := range c.Sleep.Schedule {
		if _, err := time.LoadLocation(w.TimeZone); err != nil || w.TimeZone == "" {
			return fmt.Errorf("sleep.schedule[%d].timeZone is no zone: %q", i, w.TimeZone)
		}
	}

	return nil
}

// Pool finds a pool by its name.
func (c Config) Pool(name string) (Pool, bool) {
	for _, p := range c.Pools {
		if p.Name == name {
			return p, true
		}
	}

	return Pool{}, false
}
