// Package kit is the vocabulary that parts write in: a desired set that they
// add typed objects to, and an observed set that the kit alone reads for
// existence and readiness.
//
// It upholds the rules that protect what is already made:
//
//   - A gate decides when a resource is created, never that it goes away. What
//     is observed stays desired even when its gate closes again; where the
//     object cannot be composed without a lost value the run is an error, and
//     an error stops Crossplane before it deletes anything.
//   - An observed resource that no part adds is an error, unless a part says
//     with RemoveAfter that it may go and after whom.
//   - metadata.name, region, tags and provider config are put on every object
//     in one place.
//
// The kit knows nothing of ComfyUI and no noun of AWS. Names and tags come from
// an Inventory that the plan implements.
package kit
