package cloud

import "time"

// Durations are how long AWS takes.
type Durations struct {
	Create time.Duration
	Update time.Duration
	Delete time.Duration
}

// durations are AWS's, in the middle of what published Terraform logs show
// (design/facts/aws.md 2.1). What is not in the table takes instant. The waits
// that Terraform adds are in package provider's table.
var durations = map[Kind]Durations{
	// "VPC, subnet, SG, route, IAM role: 1-12 s each, delete 1 s".
	kindVPC:                   {Create: 2 * time.Second, Update: time.Second, Delete: time.Second},
	kindSubnet:                {Create: time.Second, Update: time.Second, Delete: time.Second},
	kindInternetGateway:       {Create: time.Second, Update: time.Second, Delete: time.Second},
	kindRouteTable:            {Create: time.Second, Update: time.Second, Delete: time.Second},
	kindRoute:                 {Create: time.Second, Update: time.Second, Delete: time.Second},
	kindRouteTableAssociation: {Create: time.Second, Update: time.Second, Delete: time.Second},
	kindSecurityGroup:         {Create: 2 * time.Second, Update: time.Second, Delete: time.Second},
	kindVPCEndpoint:           {Create: 5 * time.Second, Update: time.Second, Delete: 5 * time.Second},
	// "First ARN (account id) after 5-6 s: Role" (facts/real-provider.md).
	kindRole:            {Create: 4 * time.Second, Update: time.Second, Delete: time.Second},
	kindInstanceProfile: {Create: 4 * time.Second, Update: time.Second, Delete: time.Second},
	// 8m21, 8m23, 9m06, 9m24, 10m12, 10m22, 10m52, 11m03; delete 1m09-3m48.
	kindCluster: {Create: 9*time.Minute + 30*time.Second, Update: 3 * time.Minute, Delete: 2*time.Minute + 30*time.Second},
	// 1m48, 1m50; delete 4m12.
	kindNodeGroup: {Create: time.Minute + 50*time.Second, Update: 2 * time.Minute, Delete: 4*time.Minute + 12*time.Second},
	// vpc-cni 35 s; delete estimated at 10-20 s.
	kindAddon: {Create: 35 * time.Second, Update: 30 * time.Second, Delete: 15 * time.Second},
	// To running about 15 s; shutting down "drain + terminate 1-3 min".
	kindInstance: {Create: 15 * time.Second, Delete: 45 * time.Second},
	// 1m25-2m05; delete 42 s-1m34.
	kindNATGateway: {Create: time.Minute + 45*time.Second, Update: time.Second, Delete: time.Minute + 5*time.Second},
	// 2m19-2m52; delete: seconds, network interfaces linger.
	kindLB: {Create: 2*time.Minute + 35*time.Second, Update: 2 * time.Second, Delete: 5 * time.Second},
	// To INSYNC: "changes generally propagate to all Route 53 name servers within
	// 60 seconds" (Route 53 developer guide).
	kindRecord: {Create: 30 * time.Second, Update: 30 * time.Second, Delete: 30 * time.Second},
	// "10-15, 15 to 30+"; delete about 15 min.
	kindVPCOrigin: {Create: 12 * time.Minute, Update: 5 * time.Minute, Delete: 14 * time.Minute},
	// To Deployed 2m58-3m07; disable, deploy and delete 3m09.
	kindDistribution: {Create: 3 * time.Minute, Update: 3 * time.Minute, Delete: 3*time.Minute + 9*time.Second},
}

// instant is what a call takes that has no duration of its own.
var instant = Durations{Create: 300 * time.Millisecond, Update: 300 * time.Millisecond, Delete: 300 * time.Millisecond}

// DurationsOf is how long AWS takes for a kind when nothing goes wrong.
func DurationsOf(k Kind) Durations {
	if d, ok := durations[k]; ok {
		return d
	}
	return instant
}
