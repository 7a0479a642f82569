// Package preview shows what a claim is composed into, without a cluster and without
// AWS. It asks the function itself, as Crossplane would: the function's own binary,
// in a process of its own, since the provider's types that it holds are many times as
// large as any command line. Package offline answers for AWS and the studio's cluster.
//
// A claim that the API server or the function would refuse is refused with the same
// sentence.
package preview
