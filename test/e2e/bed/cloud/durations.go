package cloud

import "time"

// Durations are how long AWS takes.
type Durations struct {
	Create time.Duration
	Update time.Duration
	Delete time.Duration
}

// durations are AWS's, in the middle of what published Terraform logs show
// (design/facts/aws.md 2.1). What is not in the table answers at once.
var durations = map[Kind]Durations{
	// "VPC, subnet, SG, route, IAM role: 1-12 s each, delete 1 s". The waits
	// that Terraform adds to these are the provider's.
	{"ec2", "VPC"}:    {Create: 2 * time.Second, Update: time.Second, Delete: time.Second},
	{"ec2", "Subnet"}: {Create: time.Second, Update: time.Second, Delete: time.Second},
	// 8m21, 8m23, 9m06, 9m24, 10m12, 10m22, 10m52, 11m03; delete 1m09-3m48.
	{"eks", "Cluster"}: {Create: 9*time.Minute + 30*time.Second, Update: 3 * time.Minute, Delete: 2*time.Minute + 30*time.Second},
}
