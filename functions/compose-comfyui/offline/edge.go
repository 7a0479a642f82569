package offline

import (
	"fmt"
	"maps"
	"strings"
)

// met adds what AWS tells of that which viewers meet: for most of it what was
// asked for, and the names that AWS makes.
func met(kind string, params, at map[string]any) map[string]any {
	region, id := text(params, "region"), text(at, "id")
	arn := func(service, rest string) string {
		return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, Account, rest)
	}

	switch kind {
	case "LB":
		name := text(params, "name")
		at["arn"] = arn("elasticloadbalancing", "loadbalancer/app/"+name+"/50dc6c495c0c9188")
		at["dnsName"] = "internal-" + name + "-1234567890." + region + ".elb.amazonaws.com"
		at["zoneId"] = "Z14GRHDCWA56QT"
	case "LBTargetGroup":
		name := text(params, "name")
		at["arn"] = arn("elasticloadbalancing", "targetgroup/"+name+"/73e2d6bc24d8a067")
	case "LBListener", "Record":
		maps.Copy(at, params)
	case "NodeGroup":
		at["resources"] = []any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": "eks-system-1e16d9eb"}}}}
	case "VPCOrigin":
		at["id"] = "vo_" + id[strings.LastIndex(id, "-")+1:]
	case "Distribution":
		maps.Copy(at, params)
		at["id"] = "E2QWRUHAPOMQZL"
		at["domainName"] = "d111111abcdef8.cloudfront.net"
	case "IPSet", "WebACL":
		name := text(params, "name")
		at["arn"] = arn("wafv2", "global/"+strings.ToLower(kind)+"/"+name+"/473e64fd-f30b-4765-81a0-62ad96dd167a")
	case "Certificate":
		name := text(params, "domainName")
		at["arn"] = arn("acm", "certificate/0d5383da-9b32-415a-a19e-ce02692d11cf")
		at["domainValidationOptions"] = []any{map[string]any{
			"domainName":         name,
			"resourceRecordName": "_d930b28be6c5927595552b219965053e." + name + ".", "resourceRecordType": "CNAME",
			"resourceRecordValue": "_c9edd76ee4a0e2a74388032f3861cc50.ykybfrwcxw.acm-validations.aws.",
		}}
	}

	return at
}
