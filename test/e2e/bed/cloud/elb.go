package cloud

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	kindLB            = Kind{"elbv2", "LB"}
	kindTargetGroup   = Kind{"elbv2", "LBTargetGroup"}
	kindListener      = Kind{"elbv2", "LBListener"}
	kindASGAttachment = Kind{"autoscaling", "Attachment"}
)

// lbZones are the hosted zones of load balancers ("Elastic Load Balancing
// endpoints and quotas").
var lbZones = map[string]string{
	"ap-northeast-1": "Z14GRHDCWA56QT", "us-east-1": "Z35SXDOTRQ7X7K", "us-west-2": "Z1H1FL5HABSF5", "eu-west-1": "Z32O12XQLNTSW2", "eu-central-1": "Z215JYRZR1TBD5",
}

func elbRules() []rule {
	return []rule{{
		kind:   kindLB,
		create: createLB,
		update: checkLB,
		remove: removeLB,
		// CloudFront holds the load balancer of a VPC origin.
		dependents: []dependent{{kind: kindVPCOrigin, path: "vpcOriginEndpointConfig.arn"}},
		inUse: func(t *tx, _ *record) error {
			return refuse("OperationNotPermitted", "Load balancer '%s' cannot be deleted because it is currently associated with another service", t.res.id)
		},
	}, {
		kind:       kindTargetGroup,
		required:   []string{"name"},
		create:     createTargetGroup,
		update:     checkHealth,
		read:       readTargetGroup,
		dependents: []dependent{{kind: kindListener, path: "defaultAction.targetGroupArn"}},
		inUse: func(t *tx, _ *record) error {
			return refuse("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", t.res.id)
		},
	}, {
		kind:     kindListener,
		required: []string{"loadBalancerArn"},
		create:   createListener,
		update:   checkListener,
	}, {
		kind:     kindASGAttachment,
		required: []string{"autoscalingGroupName"},
		create:   attachASG,
	}}
}

var lbName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)

func checkLBName(what, name string) error {
	switch {
	case len(name) > 32:
		return refuse("ValidationError", "The %s name '%s' cannot be longer than '32' characters", what, name)
	case !lbName.MatchString(name):
		return refuse("ValidationError", "The %s name '%s' can only contain characters that are alphanumeric characters or hyphens(-) and must not begin or end with a hyphen", what, name)
	case strings.HasPrefix(name, "internal-"):
		return refuse("ValidationError", "The %s name '%s' cannot begin with 'internal-'", what, name)
	}
	return nil
}

func createLB(t *tx) error {
	name := t.args.String("name")
	if name == "" {
		name = "tf-lb-" + t.hex(26)
		t.args["name"] = name
	}
	if err := checkLBName("load balancer", name); err != nil {
		return err
	}
	for lb := range t.each(kindLB) {
		if lb.region == t.call.region() && lb.args.String("name") == name {
			// Terraform asks before it creates, and says this.
			return refuse("DuplicateLoadBalancerName", "ELBv2 Load Balancer (%s) already exists", name)
		}
	}
	if err := checkLB(t); err != nil {
		return err
	}
	vpc, err := lbSubnets(t)
	if err != nil {
		return err
	}
	suffix := "app/" + name + "/" + t.hex(16)
	t.res.arn = t.arnOf("elasticloadbalancing", "loadbalancer/"+suffix)
	t.res.id = t.res.arn
	dns := fmt.Sprintf("%s-%d.%s.elb.amazonaws.com", name, 1000000000+t.rand.IntN(999999999), t.call.region())
	if t.args.Bool("internal") {
		dns = "internal-" + dns
	}
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "arnSuffix": suffix, "dnsName": dns, "vpcId": vpc, "zoneId": lbZones[t.call.region()],
		"desyncMitigationMode": "defensive", "enableHttp2": true, "xffHeaderProcessingMode": "append", "clientKeepAlive": int64(3600),
		"dropInvalidHeaderFields": false, "enableDeletionProtection": false, "idleTimeout": int64(60), "ipAddressType": "ipv4",
		"loadBalancerType": "application", "connectionLogs": map[string]any{"bucket": ""}, "healthCheckLogs": map[string]any{"bucket": ""},
	}
	mapping := []any{}
	for _, s := range t.args.Strings("subnets") {
		mapping = append(mapping, map[string]any{"subnetId": s})
	}
	t.res.attrs["subnetMapping"] = mapping
	for k := range t.args {
		delete(t.res.attrs, k)
	}
	return nil
}

func checkLB(t *tx) error {
	if v := t.args.Int("idleTimeout"); t.args.Has("idleTimeout") && (v < 1 || v > 4000) {
		return refuse("InvalidConfigurationRequest", "The value of 'idle_timeout.timeout_seconds' must be between 1 and 4000 inclusive")
	}
	for _, sg := range t.args.Strings("securityGroups") {
		if !t.isSecurityGroup(sg) {
			return refuse("InvalidSecurityGroup", "One or more security groups are invalid: %s", sg)
		}
	}
	return nil
}

func lbSubnets(t *tx) (string, error) {
	vpc, zones := "", []string{}
	for _, id := range t.args.Strings("subnets") {
		s := t.find(kindSubnet, id)
		if s == nil {
			return "", refuse("SubnetNotFound", "The subnet ID '%s' does not exist", id)
		}
		if vpc != "" && vpc != s.args.String("vpcId") {
			return "", refuse("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
		}
		vpc = s.args.String("vpcId")
		zone := s.attrs.String("availabilityZoneId")
		if slices.Contains(zones, zone) {
			return "", refuse("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		zones = append(zones, zone)
	}
	if len(zones) < 2 {
		return "", refuse("ValidationError", "At least two subnets in two different Availability Zones must be specified")
	}
	if !t.args.Bool("internal") && t.internetGateway(vpc) == nil {
		return "", refuse("InvalidSubnet", "VPC %s has no internet gateway", vpc)
	}
	return vpc, nil
}

func removeLB(t *tx) error {
	if t.res.args.Bool("enableDeletionProtection") {
		return refuse("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", t.res.id)
	}
	for l := range t.each(kindListener) {
		if l.args.String("loadBalancerArn") == t.res.id {
			t.drop(l, t.now)
		}
	}
	return nil
}

func createTargetGroup(t *tx) error {
	name := t.args.String("name")
	if err := checkLBName("target group", name); err != nil {
		return err
	}
	for g := range t.each(kindTargetGroup) {
		if g.region == t.call.region() && g.args.String("name") == name {
			return refuse("DuplicateTargetGroupName", "ELBv2 Target Group (%s) already exists", name)
		}
	}
	if _, err := t.vpc(); err != nil {
		return err
	}
	if err := checkHealth(t); err != nil {
		return err
	}
	suffix := "targetgroup/" + name + "/" + t.hex(16)
	t.res.arn = t.arnOf("elasticloadbalancing", suffix)
	t.res.id = t.res.arn
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "arnSuffix": suffix, "ipAddressType": "ipv4", "loadBalancingAlgorithmType": "round_robin",
		"loadBalancingCrossZoneEnabled": "use_load_balancer_configuration", "protocolVersion": "HTTP1", "targetType": "instance",
		"deregistrationDelay": "300", "stickiness": map[string]any{"type": "lb_cookie"}, "targetGroupHealth": map[string]any{},
		"targetHealthState": []any{map[string]any{}}, "targetFailover": []any{map[string]any{}},
	}
	given(t.res.attrs, t.args, "ipAddressType", "loadBalancingAlgorithmType", "loadBalancingCrossZoneEnabled", "protocolVersion",
		"targetType", "deregistrationDelay", "stickiness", "targetGroupHealth", "targetHealthState", "targetFailover")
	return nil
}

func checkHealth(t *tx) error {
	timeout, interval := t.args.Int("healthCheck.timeout"), t.args.Int("healthCheck.interval")
	if interval == 0 {
		interval = 30
	}
	if timeout == 0 {
		timeout = 5
	}
	if timeout >= interval {
		return refuse("ValidationError", "Health check timeout '%d' must be smaller than the interval '%d'", timeout, interval)
	}
	return nil
}

func readTargetGroup(t *tx) {
	lbs := []any{}
	for l := range t.each(kindListener) {
		if l.args.mentions("defaultAction.targetGroupArn", t.res.id) && !slices.Contains(lbs, l.args.Get("loadBalancerArn")) {
			lbs = append(lbs, l.args.Get("loadBalancerArn"))
		}
	}
	delete(t.res.attrs, "loadBalancerArns")
	if len(lbs) > 0 {
		t.res.attrs["loadBalancerArns"] = lbs
	}
}

func createListener(t *tx) error {
	if err := checkListener(t); err != nil {
		return err
	}
	lb := t.find(kindLB, t.args.String("loadBalancerArn"))
	for l := range t.each(kindListener) {
		if l.args.String("loadBalancerArn") == lb.id && l.args.Int("port") == t.args.Int("port") {
			return refuse("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", lb.id)
		}
	}
	t.res.arn = strings.Replace(lb.arn, ":loadbalancer/", ":listener/", 1) + "/" + t.hex(16)
	t.res.id = t.res.arn
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "protocol": "HTTP", "tcpIdleTimeoutSeconds": int64(350), "sslPolicy": "ELBSecurityPolicy-2016-08",
	}
	given(t.res.attrs, t.args, "protocol", "tcpIdleTimeoutSeconds", "sslPolicy")
	return nil
}

func checkListener(t *tx) error {
	lb := t.find(kindLB, t.args.String("loadBalancerArn"))
	if lb == nil {
		return refuse("LoadBalancerNotFound", "One or more load balancers not found")
	}
	if t.args.String("protocol") == "HTTPS" && t.args.String("certificateArn") == "" {
		return refuse("ValidationError", "A certificate must be specified for HTTPS listeners")
	}
	if arn := t.args.String("certificateArn"); arn != "" {
		c, there := t.certificateIn(arn, t.call.region())
		if !there {
			return refuse("CertificateNotFound", "Certificate '%s' not found", arn)
		}
		if c != nil && t.now < t.issued(c) {
			return refuse("UnsupportedCertificate", "The certificate '%s' must have a fully-qualified domain name, a supported signature, and a supported key size.", arn)
		}
	}
	return t.checkActions(lb)
}

func (t *tx) checkActions(lb *record) error {
	for _, a := range t.args.List("defaultAction") {
		arn := a.String("targetGroupArn")
		if a.String("type") == "redirect" {
			if arn != "" || a.String("redirect.statusCode") == "" {
				return refuse("InvalidLoadBalancerAction", "A redirect action has a redirect configuration and no target group")
			}
			continue
		}
		if a.String("type") != "forward" || arn == "" {
			continue
		}
		g := t.find(kindTargetGroup, arn)
		if g == nil {
			return refuse("TargetGroupNotFound", "One or more target groups not found")
		}
		if g.args.String("vpcId") != lb.attrs.String("vpcId") {
			return refuse("InvalidConfigurationRequest", "The target group and the load balancer must be in the same VPC")
		}
	}
	return nil
}

// attachASG attaches a target group to the auto scaling group of a node group.
func attachASG(t *tx) error {
	name := t.args.String("autoscalingGroupName")
	found := false
	for ng := range t.each(kindNodeGroup) {
		for _, res := range ng.attrs.List("resources") {
			for _, g := range res.List("autoscalingGroups") {
				found = found || g.String("name") == name
			}
		}
	}
	if !found {
		return refuse("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup %s not found", name)
	}
	if arn := t.args.String("lbTargetGroupArn"); t.find(kindTargetGroup, arn) == nil {
		return refuse("ValidationError", "Trying to attach or detach a non-existent target group: %s", arn)
	}
	t.res.id = name + "-" + t.hex(26)
	t.res.attrs = Values{"id": t.res.id}
	return nil
}
