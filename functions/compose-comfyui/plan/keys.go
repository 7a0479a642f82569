package plan

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// THE INVENTORY: the key of every resource that a studio can have. A key is
// `<part>-<thing>`; what there may be several of is a family, named by stable
// data (a zone id, a hash), never by a place in a list that people reorder.
// Renaming a key deletes the resource and makes another: the golden list in
// testdata/keys.yaml shows a rename in review.
const (
	// VPC comes first: wave 0, and everything of the network hangs off it.
	VPC                  kit.Key = "network-vpc"
	DefaultSecurityGroup kit.Key = "network-default-security-group"
	ALBSecurityGroup     kit.Key = "network-alb-security-group"
	InternetGateway      kit.Key = "network-internet-gateway"
	S3Endpoint           kit.Key = "network-s3-endpoint"
	S3EndpointRoutes     kit.Key = "network-s3-endpoint-routes"
	PrivateRoutes        kit.Key = "network-private-routes"
	PrivateEgress        kit.Key = "network-private-egress"
	PublicRoutes         kit.Key = "network-public-routes"
	PublicEgress         kit.Key = "network-public-egress"
	NATAddress           kit.Key = "network-nat-address"
	NAT                  kit.Key = "network-nat"
	RegionalNAT          kit.Key = "network-nat-regional"

	// ClusterRole and the other roles come first, then the cluster, then all that
	// needs it ACTIVE, in parallel.
	ClusterRole         kit.Key = "cluster-role"
	ClusterRolePolicy   kit.Key = "cluster-role-eks"
	Cluster             kit.Key = "cluster-eks"
	NodeRole            kit.Key = "cluster-node-role"
	NodeRoleWorker      kit.Key = "cluster-node-role-worker"
	NodeRoleCNI         kit.Key = "cluster-node-role-cni"
	NodeRoleRegistry    kit.Key = "cluster-node-role-registry"
	NodeRoleSSM         kit.Key = "cluster-node-role-ssm"
	SystemNodes         kit.Key = "cluster-system-nodes"
	S3DriverRole        kit.Key = "cluster-s3-driver-role"
	S3DriverPolicy      kit.Key = "cluster-s3-driver-policy"
	S3DriverIdentity    kit.Key = "cluster-s3-driver-identity"
	ClusterAuth         kit.Key = "cluster-auth"
	KubernetesProvider  kit.Key = "cluster-provider-kubernetes"
	HelmProvider        kit.Key = "cluster-provider-helm"
	AddonVPCCNI         kit.Key = "cluster-addon-vpc-cni"
	AddonKubeProxy      kit.Key = "cluster-addon-kube-proxy"
	AddonCoreDNS        kit.Key = "cluster-addon-coredns"
	AddonPodIdentity    kit.Key = "cluster-addon-pod-identity-agent"
	AddonMountpointS3   kit.Key = "cluster-addon-mountpoint-s3"
	familyAdminEntry            = "cluster-admin-entry-"
	familyAdminPolicy           = "cluster-admin-policy-"
	familyPrivateSubnet         = "network-private-subnet-"
	familyPrivateRoutes         = "network-private-routes-"
	familyPublicSubnet          = "network-public-subnet-"
	familyPublicRoutes          = "network-public-routes-"
	familyStorage               = "storage-"
)

// PrivateSubnet is the subnet for nodes in a zone.
func PrivateSubnet(zoneID string) kit.Key { return kit.Key(familyPrivateSubnet + zoneID) }

// PrivateSubnetRoutes ties it to the private route table.
func PrivateSubnetRoutes(zoneID string) kit.Key { return kit.Key(familyPrivateRoutes + zoneID) }

// PublicSubnet is the subnet for the NAT gateway in a zone.
func PublicSubnet(zoneID string) kit.Key { return kit.Key(familyPublicSubnet + zoneID) }

// PublicSubnetRoutes ties it to the public route table.
func PublicSubnetRoutes(zoneID string) kit.Key { return kit.Key(familyPublicRoutes + zoneID) }

// AdminEntry is the access entry of an IAM principal that people named.
func AdminEntry(principalARN string) kit.Key {
	return kit.Key(familyAdminEntry + hash(principalARN, 8))
}

// AdminPolicy makes that principal a cluster admin.
func AdminPolicy(principalARN string) kit.Key {
	return kit.Key(familyAdminPolicy + hash(principalARN, 8))
}

// AdminPolicyOf is the policy that belongs to an entry.
func AdminPolicyOf(entry kit.Key) kit.Key {
	return kit.Key(familyAdminPolicy + strings.TrimPrefix(string(entry), familyAdminEntry))
}

// Families that a part looks through for what the spec has dropped.
const (
	AdminEntries       = familyAdminEntry
	AdminPolicies      = familyAdminPolicy
	PublicSubnets      = familyPublicSubnet
	PublicSubnetTables = familyPublicRoutes
)

// A BucketName says which of the studio's buckets is meant.
type BucketName string

// The studio's buckets.
const (
	Models  BucketName = "models"
	Inputs  BucketName = "inputs"
	Outputs BucketName = "outputs"
)

// BucketNames are the studio's buckets in the order of the documents.
func BucketNames() []BucketName { return []BucketName{Models, Inputs, Outputs} }

// An Aspect is one setting of a bucket that is a resource of its own.
type Aspect string

// The aspects of a bucket.
const (
	BucketItself     Aspect = ""
	BucketAccess     Aspect = "-public-access"
	BucketOwnership  Aspect = "-ownership"
	BucketEncryption Aspect = "-encryption"
	BucketTLS        Aspect = "-policy"
	BucketLifecycle  Aspect = "-lifecycle"
)

// BucketAspects are all of them.
func BucketAspects() []Aspect {
	return []Aspect{BucketItself, BucketAccess, BucketOwnership, BucketEncryption, BucketTLS, BucketLifecycle}
}

// BucketKey is the key of a bucket or of one of its settings.
func BucketKey(b BucketName, a Aspect) kit.Key { return kit.Key(familyStorage + string(b) + string(a)) }

// fixedKeys are the keys that stand for one resource each.
func fixedKeys() []kit.Key {
	out := slices.Concat(capacityKeys(), modelSyncKeys(), imageKeys(), workloadKeys(), edgeKeys())
	out = append(out,
		VPC, DefaultSecurityGroup, ALBSecurityGroup, InternetGateway, S3Endpoint, S3EndpointRoutes,
		PrivateRoutes, PrivateEgress, PublicRoutes, PublicEgress, NATAddress, NAT, RegionalNAT,
		ClusterRole, ClusterRolePolicy, Cluster, NodeRole, NodeRoleWorker, NodeRoleCNI, NodeRoleRegistry, NodeRoleSSM,
		SystemNodes, S3DriverRole, S3DriverPolicy, S3DriverIdentity, ClusterAuth, KubernetesProvider, HelmProvider,
		AddonVPCCNI, AddonKubeProxy, AddonCoreDNS, AddonPodIdentity, AddonMountpointS3,
	)

	for _, b := range BucketNames() {
		for _, a := range BucketAspects() {
			out = append(out, BucketKey(b, a))
		}
	}

	return out
}

// families are the prefixes of keys that there may be several of, with what to
// change when a member may not leave.
var families = sync.OnceValue(func() map[string]string { //nolint:gochecknoglobals // A table that Go has no const for; each key asks it.
	out := map[string]string{
		familyPrivateSubnet: "spec.network.zoneIDs may only grow: put the zone back",
		familyPrivateRoutes: "spec.network.zoneIDs may only grow: put the zone back",
		familyPublicSubnet:  "",
		familyPublicRoutes:  "",
		familyAdminEntry:    "",
		familyAdminPolicy:   "",
		kit.UsagePrefix:     "",
	}

	for _, f := range slices.Concat(capacityFamilies(), imageFamilies(), workloadFamilies(), edgeFamilies()) {
		out[f] = ""
	}

	return out
})

// PartOf is the part that a key belongs to.
func PartOf(k kit.Key) string {
	part, _, _ := strings.Cut(string(k), "-")
	return part
}

// Known says whether the inventory lists the key.
func (p Plan) Known(k kit.Key) bool {
	return fixed()[k] || family(k) != ""
}

// fixed is the set of fixedKeys.
var fixed = sync.OnceValue(func() map[kit.Key]bool { //nolint:gochecknoglobals // As families.
	out := map[kit.Key]bool{}
	for _, k := range fixedKeys() {
		out[k] = true
	}

	return out
})

// Remedy tells what to change when a resource may not leave.
func (p Plan) Remedy(k kit.Key) string {
	if r := families()[family(k)]; r != "" {
		return r
	}

	return fmt.Sprintf("nothing in the spec takes it away; run the version of the function that made it, or delete %s by hand", p.Name(k))
}

// family is the longest family prefix of a key, or empty. Each ends in a dash.
func family(k kit.Key) string {
	for f := string(k[:max(0, len(k)-1)]); f != ""; f = f[:len(f)-1] {
		if f[len(f)-1] != '-' {
			continue
		}

		if _, ok := families()[f]; ok {
			return f
		}
	}

	return ""
}

// Inventory are the keys that stand for one resource each, families left out.
func Inventory() []kit.Key { return fixedKeys() }
