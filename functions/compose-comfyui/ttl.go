package main

import (
	"slices"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire"
)

// How long an answer is good for. Crossplane runs the function on every change
// of a composed resource, until its circuit breaker opens: a studio that is
// being made trips it. The timed run does not pass through the breaker, so while
// things move it bounds what the breaker costs; see docs/adr/0002.
const (
	// hurryingTTL is for while something is on its way that takes seconds, so that
	// what waits for it does not wait for the next run as well.
	hurryingTTL = time.Second
	// convergingTTL is for the minutes in which AWS makes the rest.
	convergingTTL = 5 * time.Second
	readyTTL      = 10 * time.Minute
)

// slow are the kinds that take AWS minutes, as group prefix and kind.
func slow() map[string][]string {
	return map[string][]string{
		"eks.":        {"Cluster", "NodeGroup", "Addon"},
		"ec2.":        {"NATGateway"},
		"elbv2.":      {"LB"},
		"cloudfront.": {"VPCOrigin", "Distribution"},
		"acm.":        {"Certificate", "CertificateValidation"},
		"route53.":    {"Record"},
	}
}

// ttl is how long the answer is good for. A resource that AWS refuses is tried
// again by its provider in its own time; running for it every second would only
// cost.
func (a answer) ttl() time.Duration {
	// What leaves goes step by step, each in a run of its own.
	if a.ready() && len(a.result.Leaving) == 0 {
		return readyTTL
	}

	for k, o := range a.result.Resources {
		if !a.result.Ready[k] && !isSlow(wire.Kind(o)) && a.observed.Trouble(k) == "" && !a.observed.Deleting(k) {
			return hurryingTTL
		}
	}

	return convergingTTL
}

func isSlow(apiVersion, kind string) bool {
	for group, kinds := range slow() {
		if strings.HasPrefix(apiVersion, group) && slices.Contains(kinds, kind) {
			return true
		}
	}

	return false
}
