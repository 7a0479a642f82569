package cloud

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// kindInstance is an EC2 instance. No managed resource makes it: Karpenter
// does, from inside the cluster. It is in the ledger, because it costs money
// and holds the network in place when nobody terminates it.
var kindInstance = Kind{"ec2", "Instance"}

func instanceRules() []rule {
	return []rule{{
		kind:     kindInstance,
		required: []string{"instanceType", "subnetId", "iamInstanceProfile"},
		create:   createInstance,
		read:     readInstance,
	}}
}

// holdForInstances makes an instance's network interface hold what it is in.
// It does not hold its instance profile and role: IAM deletes both under a
// running instance, which then has no credentials ("Deleting a role or
// instance profile that is associated with a running instance will break any
// applications running on the instance", IAM API reference).
func holdForInstances(rules map[Kind]rule) {
	for k, path := range map[Kind]string{kindVPC: "vpcId", kindSubnet: "subnetId", kindSecurityGroup: "vpcSecurityGroupIds"} {
		r := rules[k]
		r.dependents = append(r.dependents, dependent{kind: kindInstance, path: path})
		rules[k] = r
	}
}

func createInstance(t *tx) error {
	subnet := t.find(kindSubnet, t.args.String("subnetId"))
	if subnet == nil {
		return refuse("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", t.args.String("subnetId"))
	}
	vpc := subnet.args.String("vpcId")
	for _, id := range t.args.Strings("vpcSecurityGroupIds") {
		if !t.isSecurityGroup(id) {
			return refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
		if in := t.vpcOfGroup(id); in != vpc {
			return refuse("InvalidParameter", "Security group %s and subnet %s belong to different networks.", id, subnet.id)
		}
	}
	profile := t.find(kindInstanceProfile, t.args.String("iamInstanceProfile"))
	if profile == nil {
		return refuse("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", t.args.String("iamInstanceProfile"))
	}
	if profile.args.String("role") == "" {
		return refuse("InvalidParameterValue", "IAM Instance Profile %s has no associated IAM Roles", profile.arn)
	}
	ip, err := t.freeAddress(subnet)
	if err != nil {
		return err
	}
	id := t.made("i")
	t.res.arn = t.arnOf("ec2", "instance/"+id)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": id, "vpcId": vpc, "availabilityZone": subnet.attrs.String("availabilityZone"),
		"availabilityZoneId": subnet.attrs.String("availabilityZoneId"), "privateIp": ip, "privateDns": PrivateDNS(t.call.region(), ip),
	}
	return nil
}

// PrivateDNS is the name that AWS gives an address, which is also the name of
// the node (the DNS names of EC2: us-east-1 has a domain of its own).
func PrivateDNS(region, ip string) string {
	domain := region + ".compute.internal"
	if region == "us-east-1" {
		domain = "ec2.internal"
	}
	return fmt.Sprintf("ip-%s.%s", strings.ReplaceAll(ip, ".", "-"), domain)
}

// reserved addresses of each subnet: AWS keeps the first four and the last, and
// the machines of managed node groups, which are not in the ledger, have a few.
const reserved = 10

// freeAddress draws an address of a subnet that no instance has.
func (t *tx) freeAddress(subnet *record) (string, error) {
	p, err := netip.ParsePrefix(subnet.args.String("cidrBlock"))
	if err != nil {
		return "", refuse("InternalError", "subnet %s: %s", subnet.id, err)
	}
	taken := []string{}
	for i := range t.each(kindInstance) {
		taken = append(taken, i.attrs.String("privateIp"))
	}
	size := 1 << (32 - p.Bits())
	for range size {
		n := reserved - 1 + t.rand.IntN(size-reserved)
		b := p.Masked().Addr().As4()
		b[2] += byte(n >> 8) //nolint:gosec // A subnet has 65536 addresses at most.
		b[3] += byte(n & 255)
		ip := netip.AddrFrom4(b).String()
		if !slices.Contains(taken, ip) {
			return ip, nil
		}
	}
	return "", refuse("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", subnet.id)
}

// vpcOfGroup is the VPC of a security group, also of one that AWS made.
func (t *tx) vpcOfGroup(id string) string {
	if sg := t.find(kindSecurityGroup, id); sg != nil {
		return sg.args.String("vpcId")
	}
	for vpc := range t.each(kindVPC) {
		if vpc.attrs.String("defaultSecurityGroupId") == id {
			return vpc.id
		}
	}
	for c := range t.each(kindCluster) {
		if c.attrs.String("vpcConfig.clusterSecurityGroupId") == id {
			return c.attrs.String("vpcConfig.vpcId")
		}
	}
	return ""
}

// readInstance spells the state as EC2 does.
func readInstance(t *tx) {
	t.res.attrs["instanceState"] = map[State]string{
		StateCreating: "pending", StateActive: "running", StateUpdating: "running", StateDeleting: "shutting-down", StateGone: "terminated",
	}[t.res.state(t.now)]
}

// instanceFaults are what keeps a GPU node from being launched, in EC2's words.
// The owner's name of an instance is claim.type.purchase.zone, so that a fault
// can hit a type (*.g6.2xlarge.*) or a purchase (*.spot.*).
func instanceFaults() map[string]Fault {
	launch := func(name, message string) Fault {
		return Fault{Kind: kindInstance.Name, Name: name, Operation: OpCreate, Mode: Fail, Message: message}
	}
	return map[string]Fault{
		"gpu-no-capacity":  launch("", "InsufficientInstanceCapacity: We currently do not have sufficient capacity in the Availability Zone you requested. Our system will be working on provisioning additional capacity."),
		"spot-no-capacity": launch("*.spot.*", "InsufficientInstanceCapacity: There is no Spot capacity available that matches your request."),
		"gpu-quota":        launch("", "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."),
		"spot-quota":       launch("*.spot.*", "MaxSpotInstanceCountExceeded: Max spot instance count exceeded"),
	}
}
