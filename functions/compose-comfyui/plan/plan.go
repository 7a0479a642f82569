// Package plan turns the spec of a studio into every decision there is to make:
// keys, names, tags, addresses, versions, switches. It is pure and total: the
// same spec gives the same plan, and nothing observed enters it but the account
// id, once that is known (InAccount).
package plan

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

// A Plan is a studio as it shall be.
type Plan struct {
	// Namespace and Studio are the claim's.
	Namespace, Studio string
	// Account is the AWS account id, empty until something in it was observed.
	Account string
	// RegionName is where everything is made.
	RegionName string

	Network    Network
	Kubernetes Kubernetes
	Buckets    map[BucketName]Bucket
	Pools      []Pool
	// Models are by path, ModelOrder are their paths as the claim lists them.
	Models     []Model
	ModelOrder []string
	Image      v1alpha1.Image
	Access     v1alpha1.Access
	// Sleep is nil where servers never sleep.
	Sleep *v1alpha1.Sleep
	// Release is what runs of our own, NextRelease what shall run: the same, until
	// a version of the function brings another.
	Release, NextRelease Release

	providerConfig xpv1.ProviderConfigReference
	tags           map[string]string
	// hashed is the id, contexts are what builds build: every name holds the one, and
	// the others are long.
	hashed   string
	contexts func() map[Build]context
}

// Network are the decisions about the VPC.
type Network struct {
	CIDR  string
	Zones []Zone
	// RegionalNAT chooses one NAT gateway that spans the zones.
	RegionalNAT bool
}

// A Zone is an availability zone that the studio has subnets in.
type Zone struct {
	// ID is the zone's id, such as apne1-az4.
	ID string
	// PrivateCIDR is for nodes, PublicCIDR for a NAT gateway.
	PrivateCIDR, PublicCIDR string
}

// clusterZones is how many zones hold the control plane's interfaces and the
// load balancer. EKS refuses subnets in other zones than those that it was made
// with, so this is the least that both accept, and zones that are added later
// change nothing.
const clusterZones = 2

// ClusterZones are the zones of the control plane, the system nodes and the
// load balancer. They never change.
func (n Network) ClusterZones() []Zone { return n.Zones[:min(clusterZones, len(n.Zones))] }

// NATZone is where the single NAT gateway stands.
func (n Network) NATZone() Zone { return n.Zones[0] }

// Kubernetes are the decisions about the cluster.
type Kubernetes struct {
	Version         string
	AdminPrincipals []string
	APIAllowedCIDRs []string
}

// A Bucket is one of the studio's buckets.
type Bucket struct {
	// Adopt is the name of an existing bucket to use instead of making one.
	Adopt string
	// Delete takes the bucket and what is in it along with the studio.
	Delete bool
	// ExpireAfterDays and ArchiveAfterDays are life-cycle rules; 0 is off.
	ExpireAfterDays, ArchiveAfterDays int32
}

// New decides. Its error joins everything that is wrong with the spec, each with
// the spec's path and what to write instead.
func New(xr *v1alpha1.ComfyUIStudio) (Plan, error) {
	spec := xr.Spec

	region, err := LookupRegion(spec.Region)
	if err != nil {
		return Plan{}, err
	}

	network, networkErr := newNetwork(region, spec.Network)

	p := Plan{
		Namespace:  xr.GetNamespace(),
		Studio:     xr.GetName(),
		RegionName: region.Name,
		Network:    network,
		Kubernetes: Kubernetes{
			Version:         string(spec.Kubernetes.Version),
			AdminPrincipals: slices.Sorted(slices.Values(spec.Kubernetes.AdminPrincipals)),
			APIAllowedCIDRs: slices.Sorted(slices.Values(spec.Kubernetes.APIAllowedCIDRs)),
		},
		Buckets: map[BucketName]Bucket{
			Models: {Adopt: spec.Models.BucketName, Delete: spec.Models.OnDelete == v1alpha1.OnDeleteDelete},
			Inputs: {Delete: spec.Inputs.OnDelete == v1alpha1.OnDeleteDelete},
			Outputs: {
				Adopt:            spec.Outputs.BucketName,
				Delete:           spec.Outputs.OnDelete == v1alpha1.OnDeleteDelete,
				ExpireAfterDays:  spec.Outputs.ExpireAfterDays,
				ArchiveAfterDays: spec.Outputs.ArchiveAfterDays,
			},
		},
		Pools:  newPools(spec.Pools),
		Models: newModels(spec.Models.Files), ModelOrder: newModelOrder(spec.Models.Files),
		Image:   spec.Image,
		Access:  spec.Access,
		Sleep:   spec.Sleep,
		Release: Released(), NextRelease: Released(),
		providerConfig: xpv1.ProviderConfigReference{
			Kind: string(spec.ProviderConfigRef.Kind),
			Name: spec.ProviderConfigRef.Name,
		},
		tags:   userTags(spec.Tags),
		hashed: hash(xr.GetNamespace()+"/"+xr.GetName(), 6),
	}

	if err := errors.Join(networkErr, vpcOrigins(region, spec.Access), rangesFit(spec.Access), p.complete(), p.poolsCanRun(), p.tagsPass()); err != nil {
		return Plan{}, err
	}

	return p.writesContexts(), nil
}

// InAccount is the plan once the account is known.
func (p Plan) InAccount(id string) Plan {
	p.Account = id
	return p
}

// Region goes into every resource that asks for one.
func (p Plan) Region() string { return p.RegionName }

// ProviderConfig is the account and role that make the studio.
func (p Plan) ProviderConfig() xpv1.ProviderConfigReference { return p.providerConfig }

// complete checks what the API server fills in by default. A claim that is
// rendered without its XRD has none of it, and half a studio is worse than none.
func (p Plan) complete() error {
	var errs []error

	for path, missing := range map[string]bool{
		"spec.kubernetes.version":         p.Kubernetes.Version == "",
		"spec.kubernetes.apiAllowedCIDRs": len(p.Kubernetes.APIAllowedCIDRs) == 0,
		"spec.providerConfigRef":          p.providerConfig.Kind == "" || p.providerConfig.Name == "",
		"metadata.namespace":              p.Namespace == "",
	} {
		if missing {
			errs = append(errs, undefaulted(path))
		}
	}

	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })

	return errors.Join(errs...)
}

func undefaulted(path string) error {
	return fmt.Errorf("%s: is empty; the API server fills it in, and so does crossplane render --xrd", path)
}

func newNetwork(region Region, spec v1alpha1.Network) (Network, error) {
	if spec.CIDR == "" {
		return Network{}, undefaulted("spec.network.cidr")
	}

	vpc, err := netip.ParsePrefix(spec.CIDR)
	if err != nil {
		return Network{}, fmt.Errorf("spec.network.cidr: %q is not an IPv4 range; write one such as 10.42.0.0/16", spec.CIDR)
	}

	if !vpc.Addr().Is4() || vpc.Bits() < 16 || vpc.Bits() > 20 {
		return Network{}, fmt.Errorf("spec.network.cidr: %s must be an IPv4 range of /16 to /20", vpc)
	}

	ids := spec.ZoneIDs
	if len(ids) == 0 {
		ids = region.Usable()
	}

	n := Network{CIDR: vpc.Masked().String(), RegionalNAT: spec.Egress == v1alpha1.EgressRegionalNAT}

	var errs []error

	for i, id := range ids {
		z, err := newZone(region, vpc, id)
		if err != nil {
			errs = append(errs, fmt.Errorf("spec.network.zoneIDs[%d]: %w", i, err))
		}

		n.Zones = append(n.Zones, z)
	}

	if len(errs) > 0 {
		return Network{}, errors.Join(errs...)
	}

	if len(n.Zones) < clusterZones {
		return Network{}, fmt.Errorf("spec.network.zoneIDs: EKS needs %d zones; %s offers %s",
			clusterZones, region.Name, strings.Join(region.Usable(), ", "))
	}

	return n, nil
}

func newZone(region Region, vpc netip.Prefix, id string) (Zone, error) {
	if service, ok := region.Excluded[id]; ok {
		return Zone{}, fmt.Errorf("%s cannot be used, %s is not offered there; use %s", id, service, strings.Join(region.Usable(), ", "))
	}

	i := slices.Index(region.Zones, id)
	if i < 0 {
		return Zone{}, fmt.Errorf("%s is not a zone of %s; use %s", id, region.Name, strings.Join(region.Usable(), ", "))
	}

	private, err := privateCIDR(vpc, i)
	if err != nil {
		return Zone{}, err
	}

	return Zone{ID: id, PrivateCIDR: private.String(), PublicCIDR: publicCIDR(vpc, i).String()}, nil
}

// vpcOrigins refuses a studio behind CloudFront where CloudFront cannot reach it.
func vpcOrigins(region Region, access v1alpha1.Access) error {
	if region.VPCOrigins || (access.CDN != nil && !*access.CDN) {
		return nil
	}

	all, err := Regions()
	if err != nil {
		return err
	}

	var have []string

	for _, r := range all {
		if r.VPCOrigins {
			have = append(have, r.Name)
		}
	}

	slices.Sort(have)

	return fmt.Errorf("spec.access.cdn: CloudFront has no VPC origins in %s; set it to false, or use one of %s", region.Name, strings.Join(have, ", "))
}
