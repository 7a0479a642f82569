package provider

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// A naming is where an external name comes from.
type naming int

const (
	// byAWS: AWS makes the id, the annotation follows when it is known.
	byAWS naming = iota
	// byObject: metadata.name or the annotation is the name in AWS.
	byObject
	// bySpec: the id follows from the spec.
	bySpec
)

// A kind is one row of the table: how the provider treats one kind.
type kind struct {
	cloud.Kind

	plural string
	naming naming
	// refs are the references the provider resolves.
	refs []reference
	// late are the fields late initialisation writes into the spec.
	late []string
	// untagged kinds get no crossplane-* tags.
	untagged bool
	// fixed is what must differ for an update to be refused, because Terraform
	// would replace the resource.
	fixed []string
	// documents are JSON fields that Terraform compares by meaning.
	documents []string
	// verbatim documents appear in status as they were sent, versionFirst ones
	// with their Version in front; others compact and in order.
	verbatim, versionFirst bool
	// unread are arguments that AWS does not give back.
	unread []string
	// inject are arguments the provider sends when the spec has none.
	inject map[string]any
	// idFields are arguments without which the provider cannot tell the id.
	idFields []string
	// secrets are arguments that come from a Secret, by the field that names it.
	secrets map[string]string
	// waitIf is an argument that, when false, lets a create end as soon as AWS
	// has accepted it.
	waitIf string
	// settle is how long Terraform waits on its own after a create, and
	// linger after a delete.
	settle, linger time.Duration
	// timeout bounds a create in Terraform; 20 minutes when zero.
	timeout time.Duration
	// patient kinds try a refused delete again inside Terraform, for as long
	// as given, without a condition.
	patient time.Duration
	// stub is the external name an interrupted create leaves behind.
	stub string
	// refresh marks ClusterAuth, which is no Terraform resource: it makes a
	// token and does so again when it is due.
	refresh bool
	// identityBug marks the kinds that provider-aws v2.5.0 cannot observe.
	identityBug bool
	// shape turns the observed values into status.atProvider where the
	// defaults in shapes/ do not suffice.
	shape func(cloud.Values)
	// defaults are the kind's entry in shapes/.
	defaults cloud.Values
}

const defaultTimeout = 20 * time.Minute

func (k kind) gvr() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: k.Group(), Version: version, Resource: k.plural}
}

// version of every namespaced kind of provider-aws.
const version = "v1beta1"

// kinds is the table.
func kinds() []kind {
	out := slices.Concat(ec2Kinds(), securityGroupKinds(), iamKinds(), eksKinds(), s3Kinds(), eventKinds(), buildKinds(), edgeKinds(), cloudfrontKinds())
	shapes := map[string]map[string]cloud.Values{}
	for i, k := range out {
		if shapes[k.Service] == nil {
			shapes[k.Service] = loadShapes(k.Service)
		}
		out[i].defaults = shapes[k.Service][k.Name]
	}
	return out
}

// Settle is how long Terraform waits on its own after AWS has made a resource
// of a kind.
func Settle(of cloud.Kind) time.Duration {
	for _, k := range kinds() {
		if k.Kind == of {
			return k.settle
		}
	}
	return 0
}

// Kinds are the kinds a Provider can serve.
func Kinds() []cloud.Kind {
	out := []cloud.Kind{}
	for _, k := range kinds() {
		out = append(out, k.Kind)
	}
	return out
}
