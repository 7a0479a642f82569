// Package cloud is a strict double of AWS, as far as a studio uses it.
//
// It keeps what exists "in AWS" and refuses what AWS refuses: missing
// arguments that no schema enforces, bad or overlapping CIDRs, unknown or
// excluded zones, taken names, invalid policies, deletes with dependents.
// A caller makes a resource with Create, which answers at once as AWS does,
// and waits for it with Await, which takes the time AWS takes, divided by
// Options.Scale. All durations and instants in this package are simulated
// time; only Clock.Real converts.
//
// An AWS value outlives its callers: a provider that stops and starts again
// finds what it made, and does not find what it forgot to write down.
//
// The ledger answers what exists, who made it and when (Ledger, Calls, and
// Handler over HTTP). Faults are injected with SetFaults.
//
// One rule per kind describes what AWS does with it; the rules are in one
// file per service. How Terraform and the Crossplane provider behave in front
// of these calls is not here but in package provider.
package cloud
