package cloud

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

var (
	kindSecurityGroup        = Kind{"ec2", "SecurityGroup"}
	kindIngressRule          = Kind{"ec2", "SecurityGroupIngressRule"}
	kindEgressRule           = Kind{"ec2", "SecurityGroupEgressRule"}
	kindSecurityGroupRule    = Kind{"ec2", "SecurityGroupRule"}
	kindDefaultSecurityGroup = Kind{"ec2", "DefaultSecurityGroup"}
)

func securityGroupRules() []rule {
	return []rule{{
		kind:     kindSecurityGroup,
		required: []string{"vpcId"},
		create:   createSecurityGroup,
		remove:   removeSecurityGroup,
		read:     readSecurityGroup,
		dependents: []dependent{
			{kind: kindLB, path: "securityGroups", linger: ENIsLinger},
			{kind: kindCluster, path: "vpcConfig.securityGroupIds"},
			{kind: kindIngressRule, path: "referencedSecurityGroupId"},
			{kind: kindEgressRule, path: "referencedSecurityGroupId"},
			{kind: kindSecurityGroupRule, path: "sourceSecurityGroupId"},
			{kind: kindVPCOrigin, path: "securityGroupIds"},
		},
		inUse: func(t *tx, _ *record) error {
			return refuse("DependencyViolation", "resource %s has a dependent object", t.res.id)
		},
	}, {
		kind:     kindIngressRule,
		required: []string{"securityGroupId"},
		create:   func(t *tx) error { return createRule(t, "ingress") },
	}, {
		kind:     kindEgressRule,
		required: []string{"securityGroupId"},
		create:   func(t *tx) error { return createRule(t, "egress") },
	}, {
		kind:     kindSecurityGroupRule,
		required: []string{"securityGroupId"},
		create: func(t *tx) error {
			if err := createRule(t, t.args.String("type")); err != nil {
				return err
			}
			// The older kind keeps its rule's id beside its own.
			t.res.attrs = Values{"id": fmt.Sprintf("sgrule-%d", 1+t.rand.IntN(4294967294)), "securityGroupRuleId": t.res.id}
			t.res.id = t.res.attrs.String("id")
			return nil
		},
	}, {
		kind:     kindDefaultSecurityGroup,
		required: []string{"vpcId"},
		create:   adoptDefaultSecurityGroup,
		read:     readSecurityGroup,
		// Terraform only forgets the group: it goes with its VPC.
	}}
}

// sgDescription is the set of characters EC2 documents for descriptions.
var sgDescription = regexp.MustCompile(`^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}$`)

func createSecurityGroup(t *tx) error {
	vpc, err := t.vpc()
	if err != nil {
		return err
	}
	name := t.args.String("name")
	if name == "" {
		name = "terraform-" + t.hex(26)
		t.args["name"] = name
	}
	if len(name) > 255 || strings.HasPrefix(name, "sg-") || !sgDescription.MatchString(name) {
		return refuse("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid.", name)
	}
	if !sgDescription.MatchString(t.args.String("description")) {
		return refuse("InvalidParameterValue", "Value (%s) for parameter GroupDescription is invalid. Character sets beyond ASCII are not supported.", t.args.String("description"))
	}
	for sg := range t.each(kindSecurityGroup) {
		if sg.args.String("vpcId") == vpc.id && sg.args.String("name") == name {
			return refuse("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, vpc.id)
		}
	}
	id := t.made("sg")
	t.res.arn = t.arnOf("ec2", "security-group/"+id)
	t.res.attrs = Values{"arn": t.res.arn, "id": id, "ownerId": t.account}
	return nil
}

func adoptDefaultSecurityGroup(t *tx) error {
	vpc, err := t.vpc()
	if err != nil {
		return err
	}
	t.res.id = vpc.attrs.String("defaultSecurityGroupId")
	t.res.arn = t.arnOf("ec2", "security-group/"+t.res.id)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "ownerId": t.account, "name": "default", "description": "default VPC security group",
	}
	return nil
}

// removeSecurityGroup removes the group's rules: they go with it.
func removeSecurityGroup(t *tx) error {
	for _, k := range []Kind{kindIngressRule, kindEgressRule, kindSecurityGroupRule} {
		for r := range t.each(k) {
			if r.args.String("securityGroupId") == t.res.id {
				t.drop(r, t.now)
			}
		}
	}
	return nil
}

// isSecurityGroup knows also the groups that AWS makes itself.
func (t *tx) isSecurityGroup(id string) bool {
	if t.find(kindSecurityGroup, id) != nil {
		return true
	}
	for k, path := range map[Kind]string{kindVPC: "defaultSecurityGroupId", kindCluster: "vpcConfig.clusterSecurityGroupId"} {
		for r := range t.each(k) {
			if r.attrs.String(path) == id {
				return true
			}
		}
	}
	return false
}

// A peer is the other side of a rule.
func peer(args Values) []string {
	out := []string{}
	for _, k := range []string{"cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId", "sourceSecurityGroupId"} {
		if s := args.String(k); s != "" {
			out = append(out, s)
		}
	}
	for _, k := range []string{"cidrBlocks", "ipv6CidrBlocks", "prefixListIds"} {
		out = append(out, args.Strings(k)...)
	}
	if args.Bool("self") {
		out = append(out, "self")
	}
	return out
}

var prefixList = regexp.MustCompile(`^pl-[0-9a-f]{8,17}$`)

func createRule(t *tx, direction string) error {
	group := t.args.String("securityGroupId")
	if !t.isSecurityGroup(group) {
		return refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", group)
	}
	peers := peer(t.args)
	if len(peers) == 0 || t.call.Kind != kindSecurityGroupRule && len(peers) > 1 {
		return refuse("InvalidParameterCombination", "exactly one of cidrIpv4, cidrIpv6, prefixListId, referencedSecurityGroupId must be given, got %d", len(peers))
	}
	for _, p := range peers {
		if err := t.checkPeer(p); err != nil {
			return err
		}
	}
	if err := checkPorts(t.args); err != nil {
		return err
	}
	for _, k := range []Kind{kindIngressRule, kindEgressRule, kindSecurityGroupRule} {
		for r := range t.each(k) {
			if ruleKey(r.args, ruleDirection(r)) == ruleKey(t.args, direction) {
				return refuse("InvalidPermission.Duplicate", "the specified rule %q already exists", ruleKey(t.args, direction))
			}
		}
	}
	id := t.made("sgr")
	t.res.arn = t.arnOf("ec2", "security-group-rule/"+id)
	t.res.attrs = Values{"arn": t.res.arn, "id": id, "securityGroupRuleId": id}
	return nil
}

func (t *tx) checkPeer(p string) error {
	switch {
	case p == "self":
	case strings.HasPrefix(p, "sg-"):
		if !t.isSecurityGroup(p) {
			return refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", p)
		}
	case strings.HasPrefix(p, "pl-"):
		if !prefixList.MatchString(p) {
			return refuse("InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist", p)
		}
	default:
		if c, err := netip.ParsePrefix(p); err != nil || c.Masked() != c {
			return refuse("InvalidParameterValue", "CIDR block %s is malformed", p)
		}
	}
	return nil
}

func protocol(args Values) string {
	if p := args.String("ipProtocol"); p != "" {
		return p
	}
	return args.String("protocol")
}

func checkPorts(args Values) error {
	switch p := protocol(args); p {
	case "tcp", "udp":
		from, to := args.Int("fromPort"), args.Int("toPort")
		if !args.Has("fromPort") || !args.Has("toPort") {
			return refuse("InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
		}
		if from < 0 || to > 65535 || from > to {
			return refuse("InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", from, to)
		}
	case "-1", "icmp", "icmpv6", "all":
	default:
		return refuse("InvalidPermission.Malformed", "Unsupported IP protocol %q", p)
	}
	return nil
}

func ruleDirection(r *record) string {
	switch r.kind {
	case kindIngressRule:
		return "ingress"
	case kindEgressRule:
		return "egress"
	}
	return r.args.String("type")
}

func ruleKey(args Values, direction string) string {
	return fmt.Sprintf("%s %s peer: %s, %s, from port: %d, to port: %d, ALLOW", args.String("securityGroupId"), direction,
		strings.Join(peer(args), ","), strings.ToUpper(protocol(args)), args.Int("fromPort"), args.Int("toPort"))
}

// readSecurityGroup lists the rules in the group, whoever made them.
func readSecurityGroup(t *tx) {
	for _, direction := range []string{"ingress", "egress"} {
		rules := []any{}
		for _, k := range []Kind{kindIngressRule, kindEgressRule, kindSecurityGroupRule} {
			for r := range t.each(k) {
				if r.args.String("securityGroupId") == t.res.id && ruleDirection(r) == direction {
					rules = append(rules, map[string]any(ruleBlock(r.args)))
				}
			}
		}
		delete(t.res.attrs, direction)
		if len(rules) > 0 {
			t.res.attrs[direction] = rules
		}
	}
}

func ruleBlock(args Values) Values {
	b := Values{
		"description": args.String("description"), "protocol": protocol(args), "self": args.Bool("self"),
		"fromPort": args.Int("fromPort"), "toPort": args.Int("toPort"),
	}
	for _, p := range peer(args) {
		key := "cidrBlocks"
		switch {
		case p == "self":
			continue
		case strings.HasPrefix(p, "sg-"):
			key = "securityGroups"
		case strings.HasPrefix(p, "pl-"):
			key = "prefixListIds"
		case strings.Contains(p, ":"):
			key = "ipv6CidrBlocks"
		}
		b[key] = append(anyList(b.Strings(key)), p)
	}
	return b
}
