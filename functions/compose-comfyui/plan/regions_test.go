package plan

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func regions(t testing.TB) []Region {
	t.Helper()

	all, err := Regions()
	if err != nil {
		t.Fatal(err)
	}

	return all
}

// zonePrefix is how AWS names the zones of a region: ap-northeast-1 has
// apne1-az1 and others.
func zonePrefix(region string) string {
	f := strings.Split(region, "-")
	short := strings.NewReplacer("north", "n", "south", "s", "east", "e", "west", "w", "central", "c")

	return f[0] + short.Replace(f[1]) + f[2]
}

func TestCatalogue(t *testing.T) {
	prefixList := regexp.MustCompile(`^pl-[0-9a-f]{8}([0-9a-f]{9})?$`)
	seen := map[string]string{}

	// unique fails when something that only one region can have turns up again.
	unique := func(what, region string) {
		if other, twice := seen[what]; twice {
			t.Errorf("%s is in %s and in %s", what, other, region)
		}

		seen[what] = region
	}

	for _, r := range regions(t) {
		unique(r.Name, r.Name)

		if n := len(r.Zones); n > maxRegionZones {
			t.Errorf("%s: %d zones, but a VPC has room for %d", r.Name, n, maxRegionZones)
		}

		if n := len(r.Usable()); n < clusterZones {
			t.Errorf("%s: %d usable zones, but EKS needs %d", r.Name, n, clusterZones)
		}

		for _, z := range r.Zones {
			unique(z, r.Name)

			if prefix := zonePrefix(r.Name) + "-az"; !regexp.MustCompile("^" + prefix + "[1-9]$").MatchString(z) {
				t.Errorf("%s: zone %s is no %sN", r.Name, z, prefix)
			}
		}

		for z, service := range r.Excluded {
			if !slices.Contains(r.Zones, z) {
				t.Errorf("%s: excludes %s, which it does not have", r.Name, z)
			}

			if service == "" {
				t.Errorf("%s: does not say what %s lacks", r.Name, z)
			}
		}

		if r.PrefixList != "" {
			unique(r.PrefixList, r.Name)

			if !prefixList.MatchString(r.PrefixList) {
				t.Errorf("%s: %q is no prefix list's id", r.Name, r.PrefixList)
			}
		}
	}
}

// TestAddresses compares the addresses of every zone of every region with those
// that studios live in. A line may come at the end of its region; one that
// changes would move the subnets of live studios.
func TestAddresses(t *testing.T) {
	const file = "testdata/addresses.txt"

	vpc := netip.MustParsePrefix("10.42.0.0/16")

	var got strings.Builder

	for _, r := range regions(t) {
		for i, z := range r.Zones {
			private, err := privateCIDR(vpc, i)
			if err != nil {
				t.Fatalf("%s: %v", z, err)
			}

			fmt.Fprintf(&got, "%s %s %s %s\n", r.Name, z, private, publicCIDR(vpc, i))
		}
	}

	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s: -want, +got:\n%s", file, diff)
	}
}
