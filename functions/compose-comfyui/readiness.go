package main

import "strings"

// The exceptions to readiness: everything else is ready when its own Ready
// condition says so for its current generation.

// readyOnceSeen are the kinds that have no Ready condition.
func readyOnceSeen(_, kind string) bool {
	return kind == "ProviderConfig" || kind == "Secret"
}

// readyAtAnyAge are the kinds into whose spec late initialisation writes long after
// they are Ready: an address gets the NAT gateway's network interface, minutes after
// the studio has become Ready. That is no change of ours, and would take Ready from
// the studio until the provider has written its next status. What a claim can change
// of an address is its tags, as of everything else.
func readyAtAnyAge(apiVersion, kind string) bool {
	return strings.HasPrefix(apiVersion, "ec2.") && kind == "EIP"
}

// unfinished are the kinds whose Ready condition can run ahead of AWS: when the
// provider gives up waiting for a slow creation, it finds the resource there on
// its next look and calls it Ready. What builds on it is then refused, over and
// over. EKS says in the status how far it is.
func unfinished(apiVersion, kind, state string) bool {
	if !strings.HasPrefix(apiVersion, "eks.") || (kind != "Cluster" && kind != "NodeGroup") {
		return false
	}

	// Updating is no reason to take anything back.
	return state != "" && state != "ACTIVE" && state != "UPDATING"
}
