package plan

import (
	"fmt"
	"net/netip"
)

// The VPC is cut into eight equal slots. Slots 0 to 6 are the private subnets
// of the region's zones by catalogue position; slot 7 is cut again, into sixteen
// public subnets. A zone's addresses so depend on nothing but the zone, and
// adding one moves no other.
//
//	10.42.0.0/16: private /19 (8187 addresses each), public /23
//	10.42.0.0/20: private /23 (507), public /27: the least an ALB accepts
const (
	slotBits       = 3
	publicBits     = 4
	publicSlot     = 1<<slotBits - 1
	maxRegionZones = publicSlot
)

// privateCIDR is the private subnet of the zone at position i of the catalogue.
func privateCIDR(vpc netip.Prefix, i int) (netip.Prefix, error) {
	if i >= maxRegionZones {
		return netip.Prefix{}, fmt.Errorf("cannot place zone %d: a VPC has room for %d", i, maxRegionZones)
	}

	return slice(vpc, slotBits, i), nil
}

// publicCIDR is the public subnet of the zone at position i of the catalogue.
func publicCIDR(vpc netip.Prefix, i int) netip.Prefix {
	return slice(slice(vpc, slotBits, publicSlot), publicBits, i)
}

// slice is block i of the 2^bits equal blocks of an IPv4 prefix.
func slice(p netip.Prefix, bits, i int) netip.Prefix {
	a := p.Masked().Addr().As4()
	n := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	size := p.Bits() + bits
	n |= uint32(i) << (32 - size) //nolint:gosec // i is a position below 2^bits.

	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), size) //nolint:gosec // The bytes of n.
}
