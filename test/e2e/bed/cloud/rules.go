package cloud

// rules is the table of all kinds.
func rules() map[Kind]rule {
	out := map[Kind]rule{}
	for _, service := range [][]rule{
		vpcRules(), gatewayRules(), routeRules(), securityGroupRules(),
		iamRules(),
		eksRules(), nodeRules(), accessRules(),
		s3Rules(), s3ConfigRules(),
		sqsRules(), eventRules(), lambdaRules(), buildRules(), secretRules(), parameterRules(),
		elbRules(), cloudfrontRules(), wafRules(), certificateRules(), route53Rules(), instanceRules(),
	} {
		for _, r := range service {
			out[r.kind] = r
		}
	}
	holdForInstances(out)
	return out
}
