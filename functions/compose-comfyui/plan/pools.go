package plan

import (
	"errors"
	"fmt"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

// A Pool is a GPU profile with its servers, as it shall be.
type Pool struct {
	Name          string
	InstanceTypes []string
	Purchase      v1alpha1.Purchase
	MaxGPUs       int32
	// MinServers and MaxServers bound what the front door runs.
	MinServers, MaxServers int32
	// Args are extra arguments of ComfyUI.
	Args []string
}

// Types are the pool's instance types as the catalogue has them, in the order of
// the spec.
func (p Pool) Types() []InstanceType {
	out := make([]InstanceType, 0, len(p.InstanceTypes))

	for _, name := range p.InstanceTypes {
		// New has refused the others.
		if t, err := LookupInstanceType(name); err == nil {
			out = append(out, t)
		}
	}

	return out
}

// newPools keeps the order of the spec, which people read in the status.
func newPools(pools []v1alpha1.Pool) []Pool {
	out := make([]Pool, 0, len(pools))

	for _, s := range pools {
		p := Pool{
			Name: s.Name, InstanceTypes: s.InstanceTypes, Purchase: s.Purchase,
			MaxGPUs: s.MaxGPUs, MaxServers: s.Servers.Max, Args: s.Args,
		}
		if s.Servers.Min != nil {
			p.MinServers = *s.Servers.Min
		}

		out = append(out, p)
	}

	return out
}

// poolsCanRun refuses pools that no node could ever be made for.
func (p Plan) poolsCanRun() error {
	var errs []error

	for i, pool := range p.Pools {
		path := fmt.Sprintf("spec.pools[%d]", i)

		for field, missing := range map[string]bool{
			".instanceTypes": len(pool.InstanceTypes) == 0, ".maxGPUs": pool.MaxGPUs == 0, ".purchase": pool.Purchase == "", ".servers": pool.MaxServers == 0,
		} {
			if missing {
				errs = append(errs, undefaulted(path+field))
			}
		}

		for j, name := range pool.InstanceTypes {
			t, err := LookupInstanceType(name)

			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("%s.instanceTypes[%d]: %w", path, j, err))
			case pool.MaxGPUs > 0 && t.GPUs > pool.MaxGPUs:
				errs = append(errs, fmt.Errorf("%s.instanceTypes[%d]: %s has %d GPUs, more than the pool's maxGPUs, %d; raise maxGPUs, or choose a smaller type",
					path, j, t.Name, t.GPUs, pool.MaxGPUs))
			}
		}
	}

	sortErrors(errs)

	return errors.Join(append(errs, p.modelsFit())...)
}
