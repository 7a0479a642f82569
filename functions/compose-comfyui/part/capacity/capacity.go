// Package capacity composes what GPU nodes come from: Karpenter with an identity
// of its own, the role and instance profile of the nodes, the queue that tells
// of interruptions, NVIDIA's device plugin, and for each pool an EC2NodeClass
// and a NodePool. The AWS side waits for the cluster and for the account id;
// Karpenter for nodes to run on, its identity and a way out; a pool for Karpenter
// and for our own image, out of which its nodes run a daemon.
//
// It also says what must outlive the last GPU node when the studio goes: nodes
// are Karpenter's, and nobody else takes them away.
package capacity

import (
	events "github.com/upbound/provider-aws/v2/apis/namespaced/cloudwatchevents/v1beta1"
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"
	sqs "github.com/upbound/provider-aws/v2/apis/namespaced/sqs/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

func init() { //nolint:gochecknoinits // composed.From finds types through a global scheme.
	kit.Register(eks.AddToScheme)
	kit.Register(events.AddToScheme)
	kit.Register(iam.AddToScheme)
	kit.Register(sqs.AddToScheme)
}

// Compose adds the capacity.
func Compose(p plan.Plan, f facts.Facts, d *kit.Desired) {
	identity(p, f, d)
	nodeRole(p, d)
	interruptions(p, d)
	karpenter(p, f, d)
	devicePlugin(d)
	pools(p, f, d)
	deletionOrder(p, d)
}

// knowsAccount opens when ARNs can be written.
func knowsAccount(p plan.Plan) kit.Gate { return kit.Needs(p.Account, "the account id") }
