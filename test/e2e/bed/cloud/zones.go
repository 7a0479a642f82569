package cloud

import "slices"

// zonesOf are the availability zone ids of a region (design/facts/aws.md 1.1,
// from the "AWS Availability Zones" guide).
var zonesOf = map[string][]string{
	"us-east-1":      {"use1-az1", "use1-az2", "use1-az3", "use1-az4", "use1-az5", "use1-az6"},
	"us-east-2":      {"use2-az1", "use2-az2", "use2-az3"},
	"us-west-1":      {"usw1-az1", "usw1-az2", "usw1-az3"},
	"us-west-2":      {"usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4"},
	"ca-central-1":   {"cac1-az1", "cac1-az2", "cac1-az3", "cac1-az4"},
	"ca-west-1":      {"caw1-az1", "caw1-az2", "caw1-az3"},
	"eu-west-1":      {"euw1-az1", "euw1-az2", "euw1-az3"},
	"eu-west-2":      {"euw2-az1", "euw2-az2", "euw2-az3"},
	"eu-west-3":      {"euw3-az1", "euw3-az2", "euw3-az3"},
	"eu-central-1":   {"euc1-az1", "euc1-az2", "euc1-az3"},
	"eu-central-2":   {"euc2-az1", "euc2-az2", "euc2-az3"},
	"eu-north-1":     {"eun1-az1", "eun1-az2", "eun1-az3"},
	"eu-south-1":     {"eus1-az1", "eus1-az2", "eus1-az3"},
	"eu-south-2":     {"eus2-az1", "eus2-az2", "eus2-az3"},
	"ap-northeast-1": {"apne1-az1", "apne1-az2", "apne1-az3", "apne1-az4"},
	"ap-northeast-2": {"apne2-az1", "apne2-az2", "apne2-az3", "apne2-az4"},
	"ap-northeast-3": {"apne3-az1", "apne3-az2", "apne3-az3"},
	"ap-southeast-1": {"apse1-az1", "apse1-az2", "apse1-az3"},
	"ap-southeast-2": {"apse2-az1", "apse2-az2", "apse2-az3"},
	"ap-south-1":     {"aps1-az1", "aps1-az2", "aps1-az3"},
	"sa-east-1":      {"sae1-az1", "sae1-az2", "sae1-az3"},
	"mx-central-1":   {"mxc1-az1", "mxc1-az2", "mxc1-az3"},
	"me-central-1":   {"mec1-az1", "mec1-az2", "mec1-az3"},
	"il-central-1":   {"ilc1-az1", "ilc1-az2", "ilc1-az3"},
	"af-south-1":     {"afs1-az1", "afs1-az2", "afs1-az3"},
}

// constrained zones take no new resources in this account ("constrained AZs
// can be missing per account").
var constrained = []string{"apne1-az3"}

// notForEKS are the zones in which EKS places no cluster subnets
// (EKS network requirements).
var notForEKS = []string{"use1-az3", "usw1-az2", "cac1-az3"}

// notForVPCOrigins are the zones without CloudFront VPC origins.
var notForVPCOrigins = []string{"use1-az3", "usw1-az2", "cac1-az3", "apne1-az3"}

// zoneName is the letter the account sees for a zone id. AWS maps letters per
// account; here the first id is not "a", so that nobody relies on it.
func zoneName(region, id string) string {
	ids := zonesOf[region]
	i := slices.Index(ids, id)
	if i < 0 {
		return ""
	}
	return region + "abcdef"[(i+2)%len(ids):][:1]
}

func zoneID(region, name string) string {
	for _, id := range zonesOf[region] {
		if zoneName(region, id) == name {
			return id
		}
	}
	return ""
}
