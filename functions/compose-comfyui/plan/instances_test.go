package plan

import (
	"regexp"
	"strings"
	"testing"
)

// TestInstanceTypes holds the catalogue to what every pool relies on.
func TestInstanceTypes(t *testing.T) {
	c, err := instances()
	if err != nil {
		t.Fatal(err)
	}

	seen := map[string]bool{}
	name := regexp.MustCompile(`^(g|p)[a-z0-9]+[.][a-z0-9]+$`)

	for _, it := range c.Types {
		if seen[it.Name] {
			t.Errorf("%s is there twice", it.Name)
		}

		seen[it.Name] = true

		if !name.MatchString(it.Name) {
			t.Errorf("%s: the API refuses the name", it.Name)
		}

		// The smallest instance store holds an empty studio.
		if it.GPUs < 1 || it.GPUMemoryMiB < 16384 || it.VCPUs < 4 || it.MemoryGiB < 16 || it.NVMeGB < 125 {
			t.Errorf("%s: %+v is no GPU instance type that a server can run on", it.Name, it)
		}

		// From the dearest GPU to the cheapest, an hour of one is 0.4 to 8 dollars.
		if each := it.HourlyUSD / usd(it.GPUs); each < 4*dollar/10 || each > 8*dollar {
			t.Errorf("%s: %s dollars an hour for %d GPUs", it.Name, it.HourlyUSD, it.GPUs)
		}

		if q := it.Quota(); q.OnDemand == "" || q.Spot == "" {
			t.Errorf("%s: has no quota", it.Name)
		}

		if why := c.excluded(it.Name); why != "" {
			t.Errorf("%s is in the catalogue and excluded: %s", it.Name, why)
		}
	}

	for _, name := range []string{"g6.2xlarge", "g5.2xlarge"} {
		if !seen[name] {
			t.Errorf("%s is the API's default and not in the catalogue", name)
		}
	}
}

func TestLookupInstanceType(t *testing.T) {
	c, err := instances()
	if err != nil {
		t.Fatal(err)
	}

	names := []string{}
	for _, it := range c.Types {
		names = append(names, it.Name)
	}

	use := "; use some of " + strings.Join(names, ", ")

	cases := map[string]struct {
		reason, name, want string
	}{
		"Known":          {reason: "A type of the catalogue is found.", name: "g6e.2xlarge"},
		"Unknown":        {reason: "Any other is refused with those that there are.", name: "g9.xlarge", want: "g9.xlarge cannot be used, it is not in the catalogue" + use},
		"ExcludedFamily": {reason: "One that people try is refused with the reason.", name: "g5g.xlarge", want: "g5g.xlarge cannot be used, its processor is no x86 processor, and it has no instance store for the models" + use},
		"ExcludedType":   {reason: "So is a single type of a good family.", name: "g4dn.metal", want: "g4dn.metal cannot be used, it takes too long to start" + use},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			it, err := LookupInstanceType(tc.name)

			got := ""
			if err != nil {
				got = err.Error()
			}

			if got != tc.want || (err == nil && it.Name != tc.name) {
				t.Errorf("%s\nLookupInstanceType(%q): want error %q, got %q and %+v", tc.reason, tc.name, tc.want, got, it)
			}
		})
	}
}
