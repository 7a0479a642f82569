// Package provider is a strict double of Crossplane's provider-aws.
//
// It reconciles the real custom resources of provider-aws on a real API server
// and makes what they describe in package cloud's AWS. It follows the managed
// reconciler of crossplane-runtime and upjet's asynchronous Terraform client
// step by step, because a composition meets their habits, not AWS alone:
//
//   - external names come from metadata.name, from AWS or from the spec; an id
//     that AWS made is written down only through late initialisation, after
//     the whole creation, and a provider that restarts before that forgets it;
//   - references resolve by name in the namespace; an unresolved one is an
//     error with a per-object back-off of 1, 2, 4 … 60 s, and nothing wakes it;
//     some kinds' references do not wait for the other resource, so AWS is
//     called and refuses;
//   - creates, updates and deletes run in the background and report in the
//     LastAsyncOperation condition; failures are tried again after 5, 10, 20 ms
//     … 1000 s;
//   - only a change of spec, labels or annotations, the end of an operation,
//     a back-off or the poll interval leads to a reconcile.
//
// A Provider serves the kinds of its table (Kinds) whose CRD exists, and picks
// up CRDs that appear later. It keeps its memory in the process as the real
// one does: to cancel Run's context and run a new Provider is a restart.
//
//	aws := cloud.New(cloud.Options{Scale: 60})
//	p, err := provider.New(restConfig, aws, provider.Options{})
//	err = p.Run(ctx)
package provider
