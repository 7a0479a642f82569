package cloud

import "strings"

// groupSuffix is what every namespaced API group of provider-aws ends in.
const groupSuffix = ".aws.m.upbound.io"

// A Kind names a kind of resource by AWS service and managed resource kind,
// for example ec2 and VPC.
type Kind struct {
	Service string
	Name    string
}

// Group is the API group of the managed resource.
func (k Kind) Group() string { return k.Service + groupSuffix }

// String is the kind and its service, as crossplane-kind tags spell it.
func (k Kind) String() string { return strings.ToLower(k.Name) + "." + k.Group() }

// KindOf is the kind with the given API group and name.
func KindOf(group, name string) Kind {
	return Kind{Service: strings.TrimSuffix(group, groupSuffix), Name: name}
}

// An Owner is the managed resource on whose behalf a call is made.
type Owner struct {
	Namespace string
	Name      string
}

// A Call is one request to AWS.
type Call struct {
	Kind  Kind
	Owner Owner
	// Name is the caller's name for the resource: its external name.
	Name string
	// ID is AWS's name for it. Create of a kind whose ids AWS makes has none.
	ID string
	// Args are the arguments, spelled as in forProvider.
	Args Values

	account string
}

func (c Call) region() string { return c.Args.String("region") }
