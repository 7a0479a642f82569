package cloud

var (
	kindLB          = Kind{"elbv2", "LB"}
	kindTargetGroup = Kind{"elbv2", "LBTargetGroup"}
)
