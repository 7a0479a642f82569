package plan

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed instances.yaml
var instancesYAML []byte

// An InstanceType is one entry of the catalogue, instances.yaml.
type InstanceType struct {
	Name         string `json:"name"`
	GPUs         int32  `json:"gpus"`
	GPUMemoryMiB int64  `json:"gpuMemoryMiB"`
	VCPUs        int32  `json:"vCPUs"`
	MemoryGiB    int64  `json:"memoryGiB"`
	// NVMeGB is the size of the whole instance store.
	NVMeGB    int64 `json:"nvmeGB"`
	HourlyUSD usd   `json:"hourlyUSD"`
}

// A Quota is what Service Quotas calls the limit on an instance type's vCPUs.
type Quota struct {
	OnDemand string `json:"onDemand"`
	Spot     string `json:"spot"`
}

// Quota is the limit that the type counts against.
func (t InstanceType) Quota() Quota {
	c, err := instances()
	if err != nil {
		return Quota{}
	}

	return c.Quotas[t.Name[:1]]
}

// LookupInstanceType finds a type; its error says why it cannot be used, or
// names the types that can.
func LookupInstanceType(name string) (InstanceType, error) {
	c, err := instances()
	if err != nil {
		return InstanceType{}, err
	}

	known := make([]string, 0, len(c.Types))

	for _, t := range c.Types {
		if t.Name == name {
			return t, nil
		}

		known = append(known, t.Name)
	}

	why := "it is not in the catalogue"
	if w := c.excluded(name); w != "" {
		why = w
	}

	return InstanceType{}, fmt.Errorf("%s cannot be used, %s; use some of %s", name, why, strings.Join(known, ", "))
}

// instanceCatalogue is the file.
type instanceCatalogue struct {
	Quotas map[string]Quota `json:"quotas"`
	Types  []InstanceType   `json:"types"`
	// Excluded families and types, with the reason.
	Excluded map[string]string `json:"excluded"`
}

func (c instanceCatalogue) excluded(name string) string {
	if why := c.Excluded[name]; why != "" {
		return why
	}

	family, _, _ := strings.Cut(name, ".")

	return c.Excluded[family]
}

// instances parses the embedded file once: it is data, but constant data.
var instances = sync.OnceValues(func() (instanceCatalogue, error) { //nolint:gochecknoglobals // A constant that needs parsing.
	c := instanceCatalogue{}
	if err := yaml.UnmarshalStrict(instancesYAML, &c); err != nil {
		return instanceCatalogue{}, fmt.Errorf("cannot read the catalogue of instance types: %w", err)
	}

	return c, nil
})
