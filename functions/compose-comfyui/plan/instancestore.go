package plan

import "fmt"

// What the instance store must hold beside the models, in bytes of a gigabyte
// as EC2 counts them. Images, models and scratch space share one file system: the
// node's RAID array carries the kubelet's and containerd's directories too.
const (
	gigabyte = 1_000_000_000

	// imageAllowance is the ComfyUI image unpacked. A node holds two while the
	// image changes.
	imageAllowance = 20 * gigabyte
	// scratchAllowance is for temporary files, and for results on their way out.
	scratchAllowance = 20 * gigabyte

	// usablePercent is how full the file system may get: the kubelet throws images
	// away above 85 %, and evicts pods when less than 10 % are left.
	usablePercent = 85
)

// InstanceStoreGB is how many gigabytes a node's instance store must exceed, so
// that the declared models fit.
func (p Plan) InstanceStoreGB() int64 {
	needed := p.modelBytes() + 2*imageAllowance + scratchAllowance

	const unit = gigabyte / 100 * usablePercent

	return (needed + unit - 1) / unit
}

func (p Plan) modelBytes() int64 {
	var sum int64
	for _, m := range p.Models {
		sum += m.Size
	}

	return sum
}

// modelsFit refuses declared models that a node of some pool could not hold.
// Every node has all models, so the smallest instance store decides.
func (p Plan) modelsFit() error {
	var (
		smallest InstanceType
		pool     int
	)

	for i := range p.Pools {
		for _, t := range p.Pools[i].Types() {
			if smallest.Name == "" || t.NVMeGB < smallest.NVMeGB {
				smallest, pool = t, i
			}
		}
	}

	if smallest.Name == "" || smallest.NVMeGB > p.InstanceStoreGB() {
		return nil
	}

	return fmt.Errorf("spec.models.files: the %d models need an instance store of more than %d GB, images and scratch space included, and %s in spec.pools[%d].instanceTypes has %d GB; "+
		"declare fewer models, or use types with larger instance stores", len(p.Models), p.InstanceStoreGB(), smallest.Name, pool, smallest.NVMeGB)
}
