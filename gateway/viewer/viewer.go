// Package viewer tells where a request comes from: through the studio's own
// CloudFront distribution or not, and from whose address. Nothing that a viewer
// can write is believed.
package viewer

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
)

// Proven says that a request came by the way that the studio's viewers take: with
// a distribution in front, that it carries the secret which only that has.
// CloudFront overwrites what a viewer sends under the header's name. Several
// secrets are good while one is changed for the next.
func Proven(r *http.Request, e config.Edge, secrets []string) bool {
	if !e.CDN {
		return true
	}

	shown := r.Header.Values(e.OriginHeader)
	if len(shown) != 1 {
		return false
	}

	got, ok := sha256.Sum256([]byte(shown[0])), 0

	for _, s := range secrets {
		want := sha256.Sum256([]byte(s))
		if s != "" {
			ok |= subtle.ConstantTimeCompare(got[:], want[:])
		}
	}

	return ok == 1
}

// Address is whom a request is of. The load balancer adds whom it was called by to
// the end of X-Forwarded-For, and CloudFront does so before it; what stands
// further to the left is free text. The load balancer alone reaches us: the
// network policy lets in nobody else.
func Address(r *http.Request, e config.Edge, proven bool) netip.Addr {
	peer := netip.Addr{}
	if p, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		peer = p.Addr().Unmap()
	}

	if !proven {
		return peer
	}

	fromRight := 1
	if e.CDN {
		fromRight = 2
	}

	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if len(hops) < fromRight {
		return peer
	}

	if a, ok := parse(hops[len(hops)-fromRight]); ok {
		return a
	}

	return peer
}

// parse reads an address, with or without a port: the load balancer can be told
// to keep the client's.
func parse(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return a.Unmap(), true
	}

	if p, err := netip.ParseAddrPort(text); err == nil && p.Addr().Zone() == "" {
		return p.Addr().Unmap(), true
	}

	return netip.Addr{}, false
}

// Allowed says that an address is in the ranges from which the studio may be used.
// Without ranges every address may.
func Allowed(a netip.Addr, ranges []netip.Prefix) bool {
	return len(ranges) == 0 || slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Neighbourhood is what one person is likely to have at hand: an IPv4 address, or
// the 64 bits of an IPv6 network.
func Neighbourhood(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}

	p, err := a.Prefix(bits)
	if err != nil {
		// Whoever has no address shares one limit.
		return netip.Prefix{}
	}

	return p
}
