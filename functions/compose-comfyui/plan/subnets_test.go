package plan

import (
	"fmt"
	"net/netip"
	"testing"
)

// TestSubnets holds for every size of VPC and every place that a zone can have:
// subnets lie in the VPC, do not meet, and are large enough.
func TestSubnets(t *testing.T) {
	for bits := 16; bits <= 20; bits++ {
		for _, addr := range []string{"10.42.0.0", "172.31.240.0", "192.168.0.0", "100.127.240.0"} {
			vpc := netip.MustParsePrefix(fmt.Sprintf("%s/%d", addr, bits)).Masked()

			var subnets []netip.Prefix

			for i := range maxRegionZones {
				private, err := privateCIDR(vpc, i)
				if err != nil {
					t.Fatalf("privateCIDR(%s, %d): %v", vpc, i, err)
				}

				public := publicCIDR(vpc, i)

				// An ALB's subnet needs a /27 at least.
				if public.Bits() > 27 || private.Bits() > 23 {
					t.Errorf("position %d of %s: %s and %s are too small", i, vpc, private, public)
				}

				subnets = append(subnets, private, public)
			}

			for i, a := range subnets {
				if a != a.Masked() {
					t.Errorf("%s has bits behind its prefix", a)
				}

				if !vpc.Contains(a.Addr()) || a.Bits() <= vpc.Bits() {
					t.Errorf("%s lies outside %s", a, vpc)
				}

				for _, b := range subnets[:i] {
					if a.Overlaps(b) {
						t.Errorf("%s and %s of %s overlap", a, b, vpc)
					}
				}
			}
		}
	}
}

func TestNoRoom(t *testing.T) {
	vpc := netip.MustParsePrefix("10.42.0.0/16")

	_, err := privateCIDR(vpc, maxRegionZones)
	if err == nil {
		t.Fatal("The eighth slot holds the public subnets.\nprivateCIDR(...): want an error, got none")
	}

	if want, got := "cannot place zone 7: a VPC has room for 7", err.Error(); got != want {
		t.Errorf("privateCIDR(...): want %q, got %q", want, got)
	}
}
