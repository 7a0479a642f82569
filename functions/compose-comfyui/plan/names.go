package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
)

// Longest names, in characters. Sources: the services' own naming rules, as
// listed in the design's names table.
const (
	maxObjectName = 63 // so that the name also fits a label
	maxRole       = 64
	maxCluster    = 100
	maxNodeGroup  = 63
	maxBucket     = 63
)

// Name is the metadata.name of a composed resource: `<claim>-<hash6>-<key>`,
// unique per key. Every composed object gets its name here.
func (p Plan) Name(k kit.Key) string { return p.name(string(k), maxObjectName) }

// ExternalName is the name that AWS shows, where we decide it; empty where AWS
// makes the id or the provider derives it.
func (p Plan) ExternalName(k kit.Key) string {
	switch k {
	case Cluster:
		return p.ClusterName()
	case SystemNodes:
		return p.name("system", maxNodeGroup)
	case ClusterRole:
		return p.name("cluster", maxRole)
	case NodeRole:
		return p.name("system-node", maxRole)
	case S3DriverRole:
		return p.name("s3-driver", maxRole)
	}

	for _, b := range BucketNames() {
		if k == BucketKey(b, BucketItself) {
			return p.BucketName(b)
		}
	}

	for _, name := range []func(kit.Key) string{p.capacityName, p.modelSyncName, p.imageName, p.workloadName, p.edgeName} {
		if n := name(k); n != "" {
			return n
		}
	}

	return ""
}

// ClusterName is the name of the EKS cluster.
func (p Plan) ClusterName() string { return p.name("cluster", maxCluster) }

// KubeconfigSecret is the Secret in the claim's namespace that holds Crossplane's
// way into the cluster.
func (p Plan) KubeconfigSecret() string { return p.name("kubeconfig", maxObjectName) }

// BucketName is the S3 name of a bucket, or empty until the account is known:
// bucket names are global, so the account and the region are part of them.
func (p Plan) BucketName(b BucketName) string {
	if adopted := p.Buckets[b].Adopt; adopted != "" {
		return adopted
	}

	if p.Account == "" {
		return ""
	}

	return fit("comfyui-"+string(b), "-"+p.Account+"-"+p.RegionName+"-"+p.id(), maxBucket)
}

// BucketARN is the ARN of a bucket, or empty until its name is known.
func (p Plan) BucketARN(b BucketName) string {
	name := p.BucketName(b)
	if name == "" {
		return ""
	}

	return "arn:aws:s3:::" + name
}

// id tells studios apart: two claims of one name in two namespaces, and two
// studios in one account. It holds no UID: a claim that is restored from a
// backup has a new UID and must find its resources again.
func (p Plan) id() string { return p.hashed }

// name is `<claim>-<id>-<what>`, at most limit long.
func (p Plan) name(what string, limit int) string {
	// A claim's name may hold dots, which EKS and load balancers refuse. Two claims
	// that so become alike still differ in their id.
	return fit(strings.ReplaceAll(p.Studio, ".", "-"), "-"+p.id()+"-"+what, limit)
}

// fit shortens head so that head and tail fit the limit together. A tail that
// leaves no room for a readable head is shortened too and ends in its hash.
func fit(head, tail string, limit int) string {
	const readable = 8

	room := limit - min(len(head), readable)
	if len(tail) > room {
		h := "-" + hash(tail, 6)
		tail = strings.TrimRight(tail[:room-len(h)], "-") + h
	}

	if over := len(head) + len(tail) - limit; over > 0 {
		head = strings.TrimRight(head[:len(head)-over], "-.")
	}

	return head + tail
}

// hash is the first n hex digits of the SHA-256 of s.
func hash(s string, n int) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:(n+1)/2])[:n]
}
