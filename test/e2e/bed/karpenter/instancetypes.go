package karpenter

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// An instanceType is a kind of machine with GPUs.
type instanceType struct {
	name   string
	vcpu   int64
	memory int64 // GiB
	nvme   int64 // GB
	gpus   int64
	gpu    string
	// gpuMemory of one GPU, in MiB.
	gpuMemory int64
}

// A size is what differs within a family.
type size struct {
	name                     string
	vcpu, memory, nvme, gpus int64
}

// A family is a line of machines with one kind of GPU.
type family struct {
	name, gpu string
	memory    int64
	sizes     []size
}

// families are NVIDIA machines, by price, and each family's sizes by theirs (EC2
// instance type pages; GPU memory as Karpenter's labels have it; the label of
// g7e's GPU is a guess).
func families() []family {
	g6Sizes := []size{
		{"xlarge", 4, 16, 250, 1},
		{"2xlarge", 8, 32, 450, 1},
		{"4xlarge", 16, 64, 600, 1},
		{"8xlarge", 32, 128, 900, 1},
		{"16xlarge", 64, 256, 1880, 1},
		{"12xlarge", 48, 192, 3760, 4},
		{"24xlarge", 96, 384, 3760, 4},
		{"48xlarge", 192, 768, 7520, 8},
	}

	return []family{
		{"g4dn", "t4", 16384, []size{
			{"xlarge", 4, 16, 125, 1},
			{"2xlarge", 8, 32, 225, 1},
			{"4xlarge", 16, 64, 225, 1},
			{"8xlarge", 32, 128, 900, 1},
			{"16xlarge", 64, 256, 900, 1},
			{"12xlarge", 48, 192, 900, 4},
		}},
		{"g6", "l4", 22888, g6Sizes},
		{"g5", "a10g", 22888, []size{
			{"xlarge", 4, 16, 250, 1},
			{"2xlarge", 8, 32, 450, 1},
			{"4xlarge", 16, 64, 600, 1},
			{"8xlarge", 32, 128, 900, 1},
			{"16xlarge", 64, 256, 1900, 1},
			{"12xlarge", 48, 192, 3800, 4},
			{"24xlarge", 96, 384, 3800, 4},
			{"48xlarge", 192, 768, 7600, 8},
		}},
		{"gr6", "l4", 22888, []size{{"4xlarge", 16, 128, 600, 1}, {"8xlarge", 32, 256, 900, 1}}},
		{"g6e", "l40s", 45776, []size{
			{"xlarge", 4, 32, 250, 1},
			{"2xlarge", 8, 64, 450, 1},
			{"4xlarge", 16, 128, 600, 1},
			{"8xlarge", 32, 256, 900, 1},
			{"16xlarge", 64, 512, 1900, 1},
			{"12xlarge", 48, 384, 3800, 4},
			{"24xlarge", 96, 768, 3800, 4},
			{"48xlarge", 192, 1536, 7600, 8},
		}},
		{"g7e", "rtx-pro-server-6000", 98304, []size{
			{"2xlarge", 8, 64, 1900, 1},
			{"4xlarge", 16, 128, 1900, 1},
			{"8xlarge", 32, 256, 1900, 1},
			{"12xlarge", 48, 512, 3800, 2},
			{"24xlarge", 96, 1024, 7600, 4},
			{"48xlarge", 192, 2048, 15200, 8},
		}},
		{"p5", "h100", 81920, []size{{"4xlarge", 16, 256, 3800, 1}, {"48xlarge", 192, 2048, 30400, 8}}},
	}
}

// instanceTypes are the machines of all families, in their order.
func instanceTypes() []instanceType {
	out := []instanceType{}

	for _, f := range families() {
		for _, s := range f.sizes {
			out = append(out, instanceType{f.name + "." + s.name, s.vcpu, s.memory, s.nvme, s.gpus, f.gpu, f.memory})
		}
	}

	return out
}

func typeNamed(name string) (instanceType, bool) {
	for _, t := range instanceTypes() {
		if t.name == name {
			return t, true
		}
	}

	return instanceType{}, false
}

// labels are those that Karpenter puts on a node for its type.
func (t instanceType) labels() map[string]string {
	family, sz, _ := strings.Cut(t.name, ".")
	category := strings.TrimRight(family[:strings.IndexAny(family, "0123456789")], "0123456789")
	generation := strings.Trim(family, "abcdefghijklmnopqrstuvwxyz")
	in := func(s string) string { return groupAWS + "/instance-" + s }

	return map[string]string{
		corev1.LabelInstanceTypeStable: t.name, corev1.LabelArchStable: "amd64", corev1.LabelOSStable: "linux",
		in("category"): category, in("generation"): generation, in("family"): family, in("size"): sz,
		in("cpu"): strconv.FormatInt(t.vcpu, 10), in("memory"): strconv.FormatInt(t.memory<<10, 10),
		in("local-nvme"): strconv.FormatInt(t.nvme, 10), in("hypervisor"): "nitro", in("capability-flex"): "false",
		in("encryption-in-transit-supported"): "true",
		in("gpu-name"):                        t.gpu, in("gpu-manufacturer"): "nvidia", in("gpu-count"): strconv.FormatInt(t.gpus, 10),
		in("gpu-memory"): strconv.FormatInt(t.gpuMemory, 10),
	}
}

// capacity is what the machine has, with its instance store as the node's disk
// when the class asks for that.
func (t instanceType) capacity(raid bool) corev1.ResourceList {
	disk := resource.MustParse("20Gi")
	if raid && t.nvme > 0 {
		disk = *resource.NewQuantity(t.nvme*1e9, resource.DecimalSI)
	}

	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(t.vcpu, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(t.memory<<30*925/1000, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(58, resource.DecimalSI),
		corev1.ResourceEphemeralStorage: disk,
		gpu:                             *resource.NewQuantity(t.gpus, resource.DecimalSI),
	}
}

// allocatable is the capacity without what the kubelet reserves: 11 MiB for
// each pod and 255, the eviction threshold of 100 MiB, and some CPU.
func (t instanceType) allocatable(raid bool) corev1.ResourceList {
	out := t.capacity(raid)
	cpu, memory, disk := out[corev1.ResourceCPU], out[corev1.ResourceMemory], out[corev1.ResourceEphemeralStorage]
	cpu.Sub(resource.MustParse("90m"))
	memory.Sub(*resource.NewQuantity((11*58+255+100)<<20, resource.BinarySI))
	disk.Set(disk.Value() * 9 / 10)
	out[corev1.ResourceCPU], out[corev1.ResourceMemory], out[corev1.ResourceEphemeralStorage] = cpu, memory, disk

	return out
}
