package login

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
)

// A Grant is an entry of one of the lists.
type Grant struct {
	Email  string `json:"e,omitempty"`
	Domain string `json:"d,omitempty"`
	Group  string `json:"g,omitempty"`
}

// claims are what an id_token says of somebody.
type claims struct {
	Email string `json:"email"`
	// Verified is true, or "true" with some providers.
	Verified any      `json:"email_verified"`
	Groups   []string `json:"groups"`
}

func person(id *oidc.IDToken, c *config.OIDC) (Session, error) {
	var said claims
	if err := id.Claims(&said); err != nil {
		return Session{}, fmt.Errorf("cannot read the id_token: %w", err)
	}

	user := strings.ToLower(said.Email)
	if user == "" {
		user = id.Subject
	}

	via, ok := grant(said, c)
	if !ok {
		return Session{}, fmt.Errorf("%q is on no list: add the address, its domain or a group", user)
	}

	return Session{User: user, Mode: config.ModeOIDC, Via: via}, nil
}

// grant is the entry that lets somebody in. An address counts only if the provider
// has verified it: with many providers people can write any into their account.
func grant(said claims, c *config.OIDC) (Grant, bool) {
	if said.Verified == true || said.Verified == "true" {
		email := strings.ToLower(said.Email)
		// Behind the last @: there may be one in the name before it.
		at := strings.LastIndexByte(email, '@')

		for _, g := range []Grant{{Email: email}, {Domain: email[at+1:]}} {
			if at > 0 && granted(g, c) {
				return g, true
			}
		}
	}

	for _, name := range said.Groups {
		if g := (Grant{Group: name}); granted(g, c) {
			return g, true
		}
	}

	return Grant{}, false
}

// granted says that an entry is on its list.
func granted(g Grant, c *config.OIDC) bool {
	same := func(have string) func(string) bool {
		return func(listed string) bool { return have != "" && strings.EqualFold(listed, have) }
	}

	return c != nil && (slices.ContainsFunc(c.AllowedEmails, same(g.Email)) ||
		slices.ContainsFunc(c.AllowedDomains, same(g.Domain)) ||
		(g.Group != "" && slices.Contains(c.AllowedGroups, g.Group)))
}
