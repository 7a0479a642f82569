// Package facts reads what only AWS can tell: a dozen values, each live where it
// is observed, else as the claim's status remembers it. A fact that was known
// once stays known, so a status that is lost for a while takes nothing away.
package facts

import (
	"errors"
	"fmt"
	"strings"

	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Facts are the values. An empty one is not known yet.
type Facts struct {
	// Account is the AWS account id, from the first ARN that was seen.
	Account string

	// VPCID is the VPC's id.
	VPCID string
	// ZoneIDs are the zones that the studio has subnets in, and PrivateSubnetIDs
	// the private subnets in the same order; all of them or none.
	ZoneIDs, PrivateSubnetIDs []string
	// EgressIP is the address that the single NAT gateway calls out from.
	EgressIP string
	// EgressNAT is the NAT gateway that the private route points at: the wanted
	// one, or the one before until the wanted one is ready.
	EgressNAT kit.Key
	// EgressMoved says that AWS has the private route on the wanted gateway.
	EgressMoved bool

	// ClusterEndpoint, ClusterVersion and ClusterSecurityGroupID are EKS's.
	ClusterEndpoint, ClusterVersion, ClusterSecurityGroupID string

	Capacity Capacity
	Image    Image
	Workload Workload
	Edge     Edge
}

// From gathers the facts. Its error names what contradicts the plan.
func From(p plan.Plan, o kit.Observed, remembered v1alpha1.ComfyUIStudioStatus) (Facts, error) {
	f := recall(remembered)

	errs := []error{
		f.account(o),
		f.network(p, o),
		f.egress(p, o),
		f.cluster(p, o),
		f.Capacity.read(p, o),
		f.Image.read(p.InAccount(f.Account), o),
		f.Workload.read(p, o),
		f.Edge.read(p, o),
		zonesOnlyGrow(p, remembered),
	}

	return f, errors.Join(errs...)
}

// recall starts from what the status remembers.
func recall(s v1alpha1.ComfyUIStudioStatus) Facts {
	f := Facts{
		Account: s.Account, Capacity: recallCapacity(s), Image: recallImage(s), Workload: recallWorkload(s), Edge: recallEdge(s),
	}

	if n := s.Network; n != nil {
		f.VPCID, f.EgressIP = n.VPCID, n.EgressIP
		f.ZoneIDs, f.PrivateSubnetIDs = n.ZoneIDs, n.PrivateSubnetIDs
	}

	if c := s.Cluster; c != nil {
		f.ClusterEndpoint, f.ClusterVersion, f.ClusterSecurityGroupID = c.Endpoint, c.Version, c.SecurityGroupID
	}

	return f
}

// account reads the account id out of an ARN. Roles have theirs first, five
// seconds after they are applied.
func (f *Facts) account(o kit.Observed) error {
	for _, k := range []kit.Key{plan.ClusterRole, plan.NodeRole, plan.S3DriverRole, plan.NATAddress, plan.VPC} {
		at := struct {
			ARN string `json:"arn"`
		}{}
		if _, err := o.AtProvider(k, &at); err != nil {
			return err
		}

		id := accountOf(at.ARN)
		if id == "" {
			continue
		}

		if f.Account != "" && f.Account != id {
			return fmt.Errorf("spec.providerConfigRef: it leads to account %s, but the studio is in account %s; point it there again", id, f.Account)
		}

		f.Account = id

		return nil
	}

	return nil
}

func (f *Facts) network(p plan.Plan, o kit.Observed) error {
	vpc := ec2.VPCObservation_2{}
	if _, err := o.AtProvider(plan.VPC, &vpc); err != nil {
		return err
	}

	set(&f.VPCID, vpc.ID)

	var zones, ids []string

	for _, z := range p.Network.Zones {
		s := ec2.SubnetObservation_2{}
		if _, err := o.AtProvider(plan.PrivateSubnet(z.ID), &s); err != nil {
			return err
		}

		if !known(s.ID) {
			return nil
		}

		zones, ids = append(zones, z.ID), append(ids, *s.ID)
	}

	f.ZoneIDs, f.PrivateSubnetIDs = zones, ids

	return nil
}

func (f *Facts) egress(p plan.Plan, o kit.Observed) error {
	wanted, other := plan.NAT, plan.RegionalNAT
	if p.Network.RegionalNAT {
		wanted, other = other, wanted
	}

	nat, old, route, ip := ec2.NATGatewayObservation_2{}, ec2.NATGatewayObservation_2{}, ec2.RouteObservation_2{}, ec2.EIPObservation{}

	_, natErr := o.AtProvider(wanted, &nat)
	_, oldErr := o.AtProvider(other, &old)
	_, routeErr := o.AtProvider(plan.PrivateEgress, &route)
	_, ipErr := o.AtProvider(plan.NATAddress, &ip)

	set(&f.EgressIP, ip.PublicIP)

	if p.Network.RegionalNAT {
		// AWS manages a regional gateway's addresses and may change them.
		f.EgressIP = ""
	}

	f.EgressMoved = known(nat.ID) && known(route.NATGatewayID) && *nat.ID == *route.NATGatewayID
	f.EgressNAT = wanted

	// The route stays where it is until the other end is ready to take over. It
	// never goes back: not to a gateway that is going, and not when the new one
	// looks unready for a moment.
	left := known(old.ID) && known(route.NATGatewayID) && *old.ID != *route.NATGatewayID
	if o.Exists(other) && !o.Deleting(other) && !left && !o.Ready(wanted) {
		f.EgressNAT = other
	}

	return errors.Join(natErr, oldErr, routeErr, ipErr)
}

func (f *Facts) cluster(p plan.Plan, o kit.Observed) error {
	c := eks.ClusterObservation{}
	if _, err := o.AtProvider(plan.Cluster, &c); err != nil {
		return err
	}

	set(&f.ClusterEndpoint, c.Endpoint)
	set(&f.ClusterVersion, c.Version)

	if c.VPCConfig == nil {
		return nil
	}

	set(&f.ClusterSecurityGroupID, c.VPCConfig.ClusterSecurityGroupID)

	// A claim restored without its managed resources makes a new VPC and then
	// finds the old cluster by its name. Building on it would mix two studios.
	if id := c.VPCConfig.VPCID; known(id) && f.VPCID != "" && *id != f.VPCID {
		return fmt.Errorf("resource %q: EKS cluster %s exists and lies in %s, not in the studio's %s; see docs/runbooks/restore.md",
			plan.Cluster, p.ClusterName(), *id, f.VPCID)
	}

	return nil
}

// zonesOnlyGrow holds the line where admission cannot: a claim that left its
// zones to the catalogue and names them later.
func zonesOnlyGrow(p plan.Plan, s v1alpha1.ComfyUIStudioStatus) error {
	if s.Network == nil {
		return nil
	}

	for i, id := range s.Network.ZoneIDs {
		if i >= len(p.Network.Zones) || p.Network.Zones[i].ID != id {
			return fmt.Errorf("spec.network.zoneIDs: it must begin with the zones that the studio has, %s; add others behind them",
				strings.Join(s.Network.ZoneIDs, ", "))
		}
	}

	return nil
}

// accountOf is the account in an ARN, or empty.
func accountOf(arn string) string {
	const account = 4

	if f := strings.SplitN(arn, ":", account+2); len(f) == account+2 {
		return f[account]
	}

	return ""
}

// set takes a live value over the remembered one.
func set(fact, live *string) {
	if known(live) {
		*fact = *live
	}
}

func known(live *string) bool { return live != nil && *live != "" }
