package cloud

import (
	"fmt"
	"strings"
)

var (
	kindInternetGateway = Kind{"ec2", "InternetGateway"}
	kindEIP             = Kind{"ec2", "EIP"}
	kindNATGateway      = Kind{"ec2", "NATGateway"}
)

func gatewayRules() []rule {
	return []rule{{
		kind:   kindInternetGateway,
		create: createInternetGateway,
		remove: detachInternetGateway,
	}, {
		kind:       kindEIP,
		create:     createEIP,
		update:     updateEIP,
		read:       readEIP,
		dependents: []dependent{{kind: kindNATGateway, path: "allocationId"}},
		inUse: func(t *tx, _ *record) error {
			return refuse("InvalidIPAddress.InUse", "Address %s is in use.", t.res.id)
		},
	}, {
		kind:   kindNATGateway,
		create: createNATGateway,
	}}
}

// vpc returns the VPC that the arguments name.
func (t *tx) vpc() (*record, error) {
	id := t.args.String("vpcId")
	vpc := t.find(kindVPC, id)
	if vpc == nil {
		return nil, refuse("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", id)
	}
	return vpc, nil
}

func createInternetGateway(t *tx) error {
	if t.args.String("vpcId") != "" {
		vpc, err := t.vpc()
		if err != nil {
			return err
		}
		if t.internetGateway(vpc.id) != nil {
			return refuse("InvalidParameterValue", "Network %s already has an internet gateway attached", vpc.id)
		}
	}
	id := t.made("igw")
	t.res.arn = t.arnOf("ec2", "internet-gateway/"+id)
	t.res.attrs = Values{"arn": t.res.arn, "id": id, "ownerId": t.account}
	return nil
}

func (t *tx) internetGateway(vpc string) *record {
	for igw := range t.each(kindInternetGateway) {
		if igw.args.String("vpcId") == vpc {
			return igw
		}
	}
	return nil
}

// detachInternetGateway fails while public addresses are mapped in the VPC.
func detachInternetGateway(t *tx) error {
	vpc := t.res.args.String("vpcId")
	mapped := func(k Kind, public func(*record) bool) bool {
		for r := range t.each(k) {
			if r.observed().String("vpcId") == vpc && public(r) {
				return true
			}
		}
		return false
	}
	if vpc != "" && (mapped(kindNATGateway, func(r *record) bool { return r.args.String("connectivityType") != "private" }) ||
		mapped(kindLB, func(r *record) bool { return !r.args.Bool("internal") })) {
		return refuse("DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", vpc)
	}
	return nil
}

func createEIP(t *tx) error {
	if d := t.args.String("domain"); d != "" && d != "vpc" {
		return refuse("InvalidParameterValue", "Invalid value '%s' for domain.", d)
	}
	if eni := t.args.String("networkInterface"); eni != "" && t.natOf(eni) == nil {
		return refuse("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", eni)
	}
	id := t.made("eipalloc")
	ip := fmt.Sprintf("54.%d.%d.%d", t.rand.IntN(256), t.rand.IntN(256), 1+t.rand.IntN(254))
	t.res.arn = t.arnOf("ec2", "elastic-ip/"+id)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": id, "allocationId": id, "domain": "vpc", "publicIp": ip,
		"publicDns":     fmt.Sprintf("ec2-%s.%s.compute.amazonaws.com", strings.ReplaceAll(ip, ".", "-"), t.call.region()),
		"associationId": "", "networkInterface": "", "privateIp": "", "privateDns": "",
	}
	return nil
}

// natOf is the NAT gateway behind a network interface.
func (t *tx) natOf(eni string) *record {
	for nat := range t.each(kindNATGateway) {
		if nat.attrs.String("networkInterfaceId") == eni {
			return nat
		}
	}
	return nil
}

// updateEIP associates the address anew when the spec names an interface.
// Late initialisation wrote it there, so a spec can name one that is gone.
func updateEIP(t *tx) error {
	if eni := t.args.String("networkInterface"); eni != "" && t.natOf(eni) == nil {
		return refuse("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", eni)
	}
	return nil
}

// readEIP fills what an association with a NAT gateway brings.
func readEIP(t *tx) {
	// Arguments do not say where the address is: only AWS does.
	delete(t.res.args, "networkInterface")
	for _, k := range []string{"associationId", "networkInterface", "privateIp", "privateDns"} {
		t.res.attrs[k] = ""
	}
	for nat := range t.each(kindNATGateway) {
		if nat.args.String("allocationId") != t.res.id || !nat.usable(t.now) {
			continue
		}
		ip := nat.attrs.String("privateIp")
		t.res.attrs["associationId"] = nat.attrs["associationId"]
		t.res.attrs["networkInterface"] = nat.attrs["networkInterfaceId"]
		t.res.attrs["privateIp"] = ip
		t.res.attrs["privateDns"] = fmt.Sprintf("ip-%s.%s.compute.internal", strings.ReplaceAll(ip, ".", "-"), t.call.region())
	}
}

func createNATGateway(t *tx) error {
	if t.args.String("availabilityMode") == "regional" {
		return createRegionalNAT(t)
	}
	id := t.args.String("subnetId")
	if id == "" {
		return refuse("MissingParameter", "The request must contain the parameter subnetId")
	}
	subnet := t.find(kindSubnet, id)
	if subnet == nil {
		return refuse("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
	}
	if t.args.String("connectivityType") != "private" {
		if err := publicNAT(t); err != nil {
			return err
		}
		if t.internetGateway(subnet.args.String("vpcId")) == nil {
			return refuse("Gateway.NotAttached", "Network %s has no Internet gateway attached", subnet.args.String("vpcId"))
		}
	}
	madeNAT(t, subnet.args.String("vpcId"))
	t.res.attrs["availabilityMode"] = "zonal"
	return nil
}

func publicNAT(t *tx) error {
	id := t.args.String("allocationId")
	if id == "" {
		return refuse("MissingParameter", "The request must contain the parameter AllocationId")
	}
	if t.find(kindEIP, id) == nil {
		return refuse("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", id)
	}
	for nat := range t.each(kindNATGateway) {
		if nat.args.String("allocationId") == id {
			return refuse("Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated", id)
		}
	}
	return nil
}

// createRegionalNAT makes a gateway of the whole VPC, in automatic mode: AWS
// manages its addresses (facts: "fields vpcId, connectivityType public, no
// subnet, no EIP").
func createRegionalNAT(t *tx) error {
	if t.args.String("subnetId") != "" || t.args.String("allocationId") != "" {
		return refuse("InvalidParameterCombination", "A regional NAT gateway takes neither a subnet nor an allocation ID")
	}
	if t.args.String("vpcId") == "" {
		return refuse("MissingParameter", "The request must contain the parameter VpcId")
	}
	vpc, err := t.vpc()
	if err != nil {
		return err
	}
	if t.internetGateway(vpc.id) == nil {
		return refuse("Gateway.NotAttached", "Network %s has no Internet gateway attached", vpc.id)
	}
	madeNAT(t, vpc.id)
	t.res.attrs["routeTableId"] = "rtb-" + t.hex(17)
	return nil
}

func madeNAT(t *tx, vpc string) {
	id := t.made("nat")
	t.res.arn = t.arnOf("ec2", "natgateway/"+id)
	t.res.attrs = Values{
		"id": id, "vpcId": vpc, "connectivityType": "public",
		"networkInterfaceId": "eni-" + t.hex(17), "associationId": "eipassoc-" + t.hex(17),
		"privateIp": fmt.Sprintf("10.42.%d.%d", t.rand.IntN(256), 4+t.rand.IntN(250)),
	}
	if eip := t.find(kindEIP, t.args.String("allocationId")); eip != nil {
		t.res.attrs["publicIp"] = eip.attrs["publicIp"]
	}
}
