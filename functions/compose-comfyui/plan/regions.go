package plan

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed regions.yaml
var regionsYAML []byte

// A Region is one entry of the catalogue, regions.yaml.
type Region struct {
	Name string `json:"name"`
	// Zones are availability zone ids. The position is the zone's place in the
	// VPC's addresses, so the list only ever grows at its end.
	Zones []string `json:"zones"`
	// Excluded zones, with the service that is not offered there.
	Excluded map[string]string `json:"excluded,omitempty"`
	// VPCOrigins says whether CloudFront reaches internal load balancers.
	VPCOrigins bool `json:"vpcOrigins"`
	// PrefixList holds CloudFront's origin-facing addresses; empty if unknown.
	PrefixList string `json:"prefixList,omitempty"`
}

// Usable are the zones that a studio may use, in catalogue order.
func (r Region) Usable() []string {
	var out []string

	for _, z := range r.Zones {
		if _, ok := r.Excluded[z]; !ok {
			out = append(out, z)
		}
	}

	return out
}

// Regions is the catalogue, in its own order.
func Regions() ([]Region, error) { return catalogue() }

// LookupRegion finds a region; its error names the regions there are.
func LookupRegion(name string) (Region, error) {
	all, err := catalogue()
	if err != nil {
		return Region{}, err
	}

	known := make([]string, 0, len(all))

	for _, r := range all {
		if r.Name == name {
			return r, nil
		}

		known = append(known, r.Name)
	}

	slices.Sort(known)

	return Region{}, fmt.Errorf("spec.region: %q is not in the catalogue; use one of %s", name, strings.Join(known, ", "))
}

// catalogue parses the embedded file once: it is data, but constant data.
var catalogue = sync.OnceValues(func() ([]Region, error) { //nolint:gochecknoglobals // A constant that needs parsing.
	file := struct {
		Regions []Region `json:"regions"`
	}{}

	if err := yaml.UnmarshalStrict(regionsYAML, &file); err != nil {
		return nil, fmt.Errorf("cannot read the region catalogue: %w", err)
	}

	return file.Regions, nil
})
