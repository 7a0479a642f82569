package plan

import (
	_ "embed"
	"fmt"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed prices.yaml
var pricesYAML []byte

// A Cost is an estimate in US dollars an hour, rounded to cents.
type Cost struct {
	// Hourly is with every pool's MinServers awake, Idle with all asleep.
	Hourly, Idle string
}

// Cost estimates from list prices what the studio costs. It depends on the spec
// alone, so it never changes by itself.
func (p Plan) Cost() (Cost, error) {
	t, err := prices()
	if err != nil {
		return Cost{}, err
	}

	idle := t.HourlyUSD.ControlPlane + systemNodes*t.HourlyUSD.SystemNode + p.egressCost(t) + t.HourlyUSD.LoadBalancer

	if p.behindWebACL() {
		idle += t.HourlyUSD.WebACL
	}

	hourly := idle
	for _, pool := range p.Pools {
		hourly += pool.cost()
	}

	return Cost{Hourly: hourly.String(), Idle: idle.String()}, nil
}

// systemNodes is how many there are when nothing is replaced.
const systemNodes = 2

func (p Plan) egressCost(t priceTable) usd {
	if p.Network.RegionalNAT {
		return usd(len(p.Network.Zones)) * (t.HourlyUSD.RegionalNATZone + t.HourlyUSD.PublicAddress)
	}

	return t.HourlyUSD.NATGateway + t.HourlyUSD.PublicAddress
}

// behindWebACL says whether AWS WAF keeps strangers out.
func (p Plan) behindWebACL() bool {
	return len(p.Access.AllowedCIDRs) > 0 && (p.Access.CDN == nil || *p.Access.CDN)
}

// cost is that of the cheapest nodes that hold the pool's MinServers, on demand:
// what spot capacity costs changes by the hour, and is less.
func (p Pool) cost() usd {
	var least usd

	for i, t := range p.Types() {
		nodes := (p.MinServers + t.GPUs - 1) / t.GPUs
		if c := usd(nodes) * t.HourlyUSD; i == 0 || c < least {
			least = c
		}
	}

	return least
}

// priceTable is the file.
type priceTable struct {
	Date      string `json:"date"`
	Region    string `json:"region"`
	HourlyUSD struct {
		ControlPlane    usd `json:"controlPlane"`
		SystemNode      usd `json:"systemNode"`
		NATGateway      usd `json:"natGateway"`
		PublicAddress   usd `json:"publicAddress"`
		RegionalNATZone usd `json:"regionalNATZone"`
		LoadBalancer    usd `json:"loadBalancer"`
		WebACL          usd `json:"webACL"`
	} `json:"hourlyUSD"`
}

// prices parses the embedded file once: it is data, but constant data.
var prices = sync.OnceValues(func() (priceTable, error) { //nolint:gochecknoglobals // A constant that needs parsing.
	t := priceTable{}
	if err := yaml.UnmarshalStrict(pricesYAML, &t); err != nil {
		return priceTable{}, fmt.Errorf("cannot read the price table: %w", err)
	}

	return t, nil
})
