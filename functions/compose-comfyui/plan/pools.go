package plan

import "github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"

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
