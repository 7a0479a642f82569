package cloud

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

var (
	kindVPC    = Kind{"ec2", "VPC"}
	kindSubnet = Kind{"ec2", "Subnet"}
)

// ENIsLinger is how long the network interfaces of a load balancer stay after
// it: "ENIs linger 1-2 min".
const ENIsLinger = 90 * time.Second

func vpcRules() []rule {
	return []rule{{
		kind:   kindVPC,
		create: createVPC,
		dependents: []dependent{
			{kind: kindSubnet, path: "vpcId"},
			{kind: kindInternetGateway, path: "vpcId"},
			{kind: kindNATGateway, path: "vpcId"},
			{kind: kindRouteTable, path: "vpcId"},
			{kind: kindSecurityGroup, path: "vpcId"},
			{kind: kindVPCEndpoint, path: "vpcId"},
			{kind: kindLB, path: "vpcId", linger: ENIsLinger},
			{kind: kindTargetGroup, path: "vpcId"},
			// The VPC can only be deleted after CloudFront has removed the
			// security group CloudFront-VPCOrigins-Service-SG.
			{kind: kindVPCOrigin, path: "vpcId"},
		},
		inUse: func(t *tx, _ *record) error {
			return refuse("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", t.res.id)
		},
	}, {
		kind:     kindSubnet,
		required: []string{"vpcId", "cidrBlock"},
		create:   createSubnet,
		remove:   removeSubnet,
		inUse: func(t *tx, _ *record) error {
			return refuse("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", t.res.id)
		},
		dependents: []dependent{
			{kind: kindCluster, path: "vpcConfig.subnetIds"},
			{kind: kindNodeGroup, path: "subnetIds"},
			{kind: kindNATGateway, path: "subnetId"},
			{kind: kindLB, path: "subnets", linger: ENIsLinger},
			{kind: kindVPCEndpoint, path: "subnetIds"},
			{kind: kindVPCOrigin, path: "subnetIds"},
		},
	}}
}

// removeSubnet removes its route table associations: they go with it.
func removeSubnet(t *tx) error {
	for a := range t.each(kindRouteTableAssociation) {
		if a.args.String("subnetId") == t.res.id {
			t.drop(a, t.now)
		}
	}
	return nil
}

func createVPC(t *tx) error {
	if t.args.String("cidrBlock") == "" {
		return refuse("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided")
	}
	p, err := cidr(t.args, "cidrBlock")
	if err != nil {
		return err
	}
	if p.Bits() < 16 || p.Bits() > 28 {
		return refuse("InvalidVpc.Range", "The CIDR '%s' is invalid.", p)
	}
	id := t.made("vpc")
	t.res.arn = t.arnOf("ec2", "vpc/"+id)
	main := "rtb-" + t.hex(17)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": id, "ownerId": t.account,
		"defaultNetworkAclId": "acl-" + t.hex(17), "defaultSecurityGroupId": "sg-" + t.hex(17),
		"defaultRouteTableId": main, "mainRouteTableId": main,
		"dhcpOptionsId": "dopt-" + t.hex(8), "instanceTenancy": "default",
	}
	return nil
}

// cidr reads a canonical IPv4 block from an argument.
func cidr(args Values, path string) (netip.Prefix, error) {
	s := args.String(path)
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return p, refuse("InvalidParameterValue", "Value (%s) for parameter %s is invalid. This is not a valid CIDR block.", s, path)
	}
	if p.Masked() != p {
		return p, refuse("InvalidParameterValue", "Value (%s) for parameter %s is invalid. The CIDR block has host bits set; did you mean %s?", s, path, p.Masked())
	}
	return p, nil
}

func createSubnet(t *tx) error {
	vpc := t.find(kindVPC, t.args.String("vpcId"))
	if vpc == nil {
		return refuse("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", t.args.String("vpcId"))
	}
	p, err := cidr(t.args, "cidrBlock")
	if err != nil {
		return err
	}
	within := netip.MustParsePrefix(vpc.args.String("cidrBlock"))
	if p.Bits() < 16 || p.Bits() > 28 || !within.Contains(p.Addr()) || p.Bits() < within.Bits() {
		return refuse("InvalidSubnet.Range", "The CIDR '%s' is invalid.", p)
	}
	for other := range t.each(kindSubnet) {
		if other.args.String("vpcId") != vpc.id {
			continue
		}
		if q := netip.MustParsePrefix(other.args.String("cidrBlock")); q.Overlaps(p) {
			return refuse("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", p)
		}
	}
	zone, err := subnetZone(t)
	if err != nil {
		return err
	}
	id := t.made("subnet")
	t.res.arn = t.arnOf("ec2", "subnet/"+id)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": id, "ownerId": t.account,
		"availabilityZoneId": zone, "availabilityZone": zoneName(t.call.region(), zone),
		"privateDnsHostnameTypeOnLaunch": "ip-name",
	}
	return nil
}

// subnetZone is the id of the zone a subnet goes to.
func subnetZone(t *tx) (string, error) {
	region, id := t.call.region(), t.args.String("availabilityZoneId")
	zones, ok := zonesOf[region]
	if !ok {
		return "", refuse("InvalidParameterValue", "Unknown region '%s'", region)
	}
	if name := t.args.String("availabilityZone"); id == "" && name != "" {
		if id = zoneID(region, name); id == "" {
			return "", refuse("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %s.", name, strings.Join(zones, ", "))
		}
	}
	if id == "" {
		return zones[0], nil
	}
	if !slices.Contains(zones, id) || slices.Contains(constrained, id) {
		return "", refuse("InvalidParameterValue", "Value (%s) for parameter availabilityZoneId is invalid. Subnets can currently only be created in the following availability zones: %s.", id,
			strings.Join(slices.DeleteFunc(slices.Clone(zones), func(z string) bool { return slices.Contains(constrained, z) }), ", "))
	}
	return id, nil
}
