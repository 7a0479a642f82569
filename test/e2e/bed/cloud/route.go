package cloud

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

var (
	kindRouteTable            = Kind{"ec2", "RouteTable"}
	kindRoute                 = Kind{"ec2", "Route"}
	kindRouteTableAssociation = Kind{"ec2", "RouteTableAssociation"}
	kindVPCEndpoint           = Kind{"ec2", "VPCEndpoint"}
	kindEndpointAssociation   = Kind{"ec2", "VPCEndpointRouteTableAssociation"}
)

func routeRules() []rule {
	return []rule{{
		kind:     kindRouteTable,
		required: []string{"vpcId"},
		create:   createRouteTable,
		remove:   removeRouteTable,
		read:     readRouteTable,
	}, {
		kind:     kindRoute,
		required: []string{"routeTableId"},
		identity: func(c Call) string {
			return hashed("r-", c.Args.String("routeTableId"), destination(c.Args))
		},
		exists: func(t *tx) error {
			return refuse("RouteAlreadyExists", "The route identified by %s already exists.", destination(t.args))
		},
		create: createRoute,
		update: routeTarget,
		read:   readRoute,
	}, {
		kind:     kindRouteTableAssociation,
		required: []string{"routeTableId"},
		create:   associateRouteTable,
	}, {
		kind:     kindVPCEndpoint,
		required: []string{"vpcId", "serviceName"},
		create:   createVPCEndpoint,
		update:   endpointPolicy,
		remove:   removeVPCEndpoint,
		read:     readVPCEndpoint,
	}, {
		kind:     kindEndpointAssociation,
		required: []string{"vpcEndpointId", "routeTableId"},
		identity: func(c Call) string {
			return hashed("a-", c.Args.String("vpcEndpointId"), c.Args.String("routeTableId"))
		},
		exists: func(t *tx) error {
			return refuse("RouteAlreadyExists", "The route table %s is already associated with %s", t.args.String("routeTableId"), t.args.String("vpcEndpointId"))
		},
		create: associateVPCEndpoint,
	}}
}

// hashed is Terraform's id of a relation: the first id and the checksum of
// the rest. It is empty while something is missing.
func hashed(prefix, id, of string) string {
	if id == "" || of == "" {
		return ""
	}
	return fmt.Sprintf("%s%s%d", prefix, id, crc32.ChecksumIEEE([]byte(of)))
}

func destination(args Values) string {
	for _, k := range []string{"destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"} {
		if d := args.String(k); d != "" {
			return d
		}
	}
	return ""
}

func createRouteTable(t *tx) error {
	if _, err := t.vpc(); err != nil {
		return err
	}
	id := t.made("rtb")
	t.res.arn = t.arnOf("ec2", "route-table/"+id)
	t.res.attrs = Values{"arn": t.res.arn, "id": id, "ownerId": t.account}
	return nil
}

// removeRouteTable removes routes and associations: Terraform disassociates a
// table before it deletes it.
func removeRouteTable(t *tx) error {
	for _, k := range []Kind{kindRoute, kindRouteTableAssociation, kindEndpointAssociation} {
		for r := range t.each(k) {
			if r.args.String("routeTableId") == t.res.id {
				t.drop(r, t.now)
			}
		}
	}
	return nil
}

func readRouteTable(t *tx) {
	routes := []any{}
	for r := range t.each(kindRoute) {
		if r.args.String("routeTableId") == t.res.id && r.usable(t.now) {
			routes = append(routes, map[string]any{
				"cidrBlock":    r.args.String("destinationCidrBlock"),
				"gatewayId":    r.args.String("gatewayId"),
				"natGatewayId": r.args.String("natGatewayId"),
			})
		}
	}
	delete(t.res.attrs, "route")
	if len(routes) > 0 {
		t.res.attrs["route"] = routes
	}
}

func createRoute(t *tx) error {
	if t.find(kindRouteTable, t.args.String("routeTableId")) == nil {
		return refuse("InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", t.args.String("routeTableId"))
	}
	switch d := destination(t.args); {
	case d == "":
		return refuse("MissingParameter", "The request must contain the parameter destinationCidrBlock or destinationIpv6CidrBlock or destinationPrefixListId")
	case t.args.String("destinationCidrBlock") != "":
		if _, err := cidr(t.args, "destinationCidrBlock"); err != nil {
			return err
		}
	}
	if err := routeTarget(t); err != nil {
		return err
	}
	t.res.attrs = Values{"id": t.res.id, "origin": "CreateRoute", "natGatewayId": "", "gatewayId": ""}
	return nil
}

// routeTarget checks where a route leads.
func routeTarget(t *tx) error {
	table := t.find(kindRouteTable, t.args.String("routeTableId"))
	igw, nat := t.args.String("gatewayId"), t.args.String("natGatewayId")
	switch {
	case table == nil:
		return refuse("InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", t.args.String("routeTableId"))
	case igw != "":
		g := t.find(kindInternetGateway, igw)
		if g == nil {
			return refuse("InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist", igw)
		}
		if g.args.String("vpcId") != table.args.String("vpcId") {
			return refuse("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", table.id, igw)
		}
	case nat != "":
		if t.find(kindNATGateway, nat) == nil {
			return refuse("InvalidNatGatewayID.NotFound", "The natGateway ID '%s' does not exist", nat)
		}
	default:
		return refuse("MissingParameter", "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId or transitGatewayId")
	}
	return nil
}

// readRoute tells a route whose target is gone.
func readRoute(t *tx) {
	t.res.attrs["state"] = "active"
	for k, id := range map[Kind]string{kindNATGateway: t.res.args.String("natGatewayId"), kindInternetGateway: t.res.args.String("gatewayId")} {
		if id != "" && t.find(k, id) == nil {
			t.res.attrs["state"] = "blackhole"
		}
	}
	for _, k := range []string{"natGatewayId", "gatewayId"} {
		if t.res.args.String(k) != "" {
			delete(t.res.attrs, k)
		}
	}
}

func associateRouteTable(t *tx) error {
	table := t.find(kindRouteTable, t.args.String("routeTableId"))
	if table == nil {
		return refuse("InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", t.args.String("routeTableId"))
	}
	id := t.args.String("subnetId")
	subnet := t.find(kindSubnet, id)
	switch {
	case id == "" && t.args.String("gatewayId") == "":
		return refuse("MissingParameter", "The request must contain the parameter subnetId or gatewayId")
	case id == "":
	case subnet == nil:
		return refuse("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
	case subnet.args.String("vpcId") != table.args.String("vpcId"):
		return refuse("InvalidParameterValue", "Route table %s and subnet %s belong to different networks", table.id, id)
	}
	for a := range t.each(kindRouteTableAssociation) {
		if id != "" && a.args.String("subnetId") == id {
			return refuse("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", table.id)
		}
	}
	t.res.attrs = Values{"id": t.made("rtbassoc")}
	return nil
}

// s3Endpoint is the policy a gateway endpoint has when none is given.
const s3Endpoint = `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}],"Version":"2008-10-17"}`

func createVPCEndpoint(t *tx) error {
	if _, err := t.vpc(); err != nil {
		return err
	}
	service, region := t.args.String("serviceName"), t.call.region()
	name, ours := strings.CutPrefix(service, "com.amazonaws."+region+".")
	if !ours || name == "" {
		return refuse("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", service)
	}
	kind := t.args.String("vpcEndpointType")
	if (kind == "" || kind == "Gateway") && !slices.Contains([]string{"s3", "dynamodb"}, name) {
		return refuse("InvalidParameter", "The VPC endpoint type 'Gateway' is not supported by the service %s", service)
	}
	if err := endpointPolicy(t); err != nil {
		return err
	}
	id := t.made("vpce")
	t.res.arn = t.arnOf("ec2", "vpc-endpoint/"+id)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": id, "ownerId": t.account, "state": "available", "prefixListId": "pl-" + t.hex(17),
		"vpcEndpointType": "Gateway",
	}
	if t.args.String("policy") == "" {
		t.res.attrs["policy"] = s3Endpoint
	}
	if kind != "" {
		delete(t.res.attrs, "vpcEndpointType")
	}
	return nil
}

func endpointPolicy(t *tx) error {
	if doc := t.args.String("policy"); doc != "" {
		return checkPolicy(doc, resourcePolicy)
	}
	return nil
}

func removeVPCEndpoint(t *tx) error {
	for a := range t.each(kindEndpointAssociation) {
		if a.args.String("vpcEndpointId") == t.res.id {
			t.drop(a, t.now)
		}
	}
	return nil
}

func readVPCEndpoint(t *tx) {
	tables := []any{}
	for a := range t.each(kindEndpointAssociation) {
		if a.args.String("vpcEndpointId") == t.res.id {
			tables = append(tables, a.args.String("routeTableId"))
		}
	}
	delete(t.res.attrs, "routeTableIds")
	if len(tables) > 0 {
		t.res.attrs["routeTableIds"] = tables
	}
}

func associateVPCEndpoint(t *tx) error {
	endpoint := t.find(kindVPCEndpoint, t.args.String("vpcEndpointId"))
	if endpoint == nil {
		return refuse("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist", t.args.String("vpcEndpointId"))
	}
	table := t.find(kindRouteTable, t.args.String("routeTableId"))
	if table == nil {
		return refuse("InvalidRouteTableId.NotFound", "The routeTable ID '%s' does not exist", t.args.String("routeTableId"))
	}
	if endpoint.args.String("vpcId") != table.args.String("vpcId") {
		return refuse("InvalidParameter", "The route table %s belongs to a different network than %s", table.id, endpoint.id)
	}
	t.res.attrs = Values{"id": t.res.id}
	return nil
}
