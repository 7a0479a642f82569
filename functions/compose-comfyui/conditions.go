package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/response"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// maxNamed is how many resources a condition names before it counts the rest.
const maxNamed = 5

// setConditions returns every part's condition on every run, in the order of
// parts: one that is left out would stay as it was for ever.
func setConditions(rsp *fnv1.RunFunctionResponse, a answer) {
	for _, p := range a.parts {
		ok, reason, message := a.condition(p)

		set := response.ConditionFalse
		if ok {
			set = response.ConditionTrue
		}

		c := set(rsp, string(p.condition), string(reason))
		if message != "" {
			c.WithMessage(message)
		}
	}
}

func (a answer) condition(p part) (bool, v1alpha1.ConditionReason, string) {
	if n := a.observed.Predecessors(); n > 0 {
		return false, v1alpha1.ReasonWaiting, fmt.Sprintf("previous studio is still being deleted (%d left)", n)
	}

	creating, failing := a.unready(p.name)
	waiting := a.waiting(p.name)

	var messages []string

	reason := v1alpha1.ReasonReady

	if len(waiting) > 0 {
		reason = v1alpha1.ReasonWaiting
		messages = append(messages, "waiting: "+list(waiting, "; "))
	}

	if len(creating) > 0 {
		reason = v1alpha1.ReasonCreating
		messages = slices.Insert(messages, 0, "creating: "+list(creating, ", "))
	}

	if len(failing) > 0 {
		reason = v1alpha1.ReasonFailed
		messages = slices.Insert(messages, 0, list(failing, "; "))
	}

	if n := a.goingAway(p.name); n > 0 {
		reason = v1alpha1.ReasonWaiting
		messages = slices.Insert(messages, 0, fmt.Sprintf("resources are being deleted (%d left)", n))
	}

	if reason != v1alpha1.ReasonReady {
		return false, reason, strings.Join(messages, "; ")
	}

	if s := a.says(p); s.reason != "" {
		return s.ok, s.reason, s.message
	}

	if leaving := a.leaving(p.name); len(leaving) > 0 {
		return true, v1alpha1.ReasonRemoving, "removing: " + list(leaving, "; ")
	}

	return true, v1alpha1.ReasonReady, ""
}

func (a answer) says(p part) statement {
	if p.says == nil {
		return statement{}
	}

	return p.says(a)
}

// unready are the part's composed resources that are not ready: those on their
// way, and those that AWS refuses, with its words.
func (a answer) unready(part string) (creating, failing []string) {
	for _, k := range keysOf(part, a.result.Resources) {
		if a.result.Ready[k] || a.observed.Deleting(k) {
			continue
		}

		if t := a.trouble(k); t != "" {
			failing = append(failing, fmt.Sprintf("%s: %s%s", k, steady(t), advice(k, t)))
			continue
		}

		creating = append(creating, string(k))
	}

	return creating, failing
}

// trouble is what a resource says against itself, or Karpenter against what was
// brought to it.
func (a answer) trouble(k kit.Key) string {
	if t := a.observed.Trouble(k); t != "" {
		return t
	}

	return a.facts.Capacity.Refused[k]
}

// goingAway counts the part's resources that are being deleted by hand. They come
// again, and what they say of themselves is about their end.
func (a answer) goingAway(part string) int {
	n := 0

	for k := range a.result.Resources {
		if plan.PartOf(k) == part && a.observed.Deleting(k) {
			n++
		}
	}

	return n
}

// waiting are the part's resources that are not composed yet, grouped by what
// they wait for.
func (a answer) waiting(part string) []string {
	groups := map[string][]string{}

	for _, k := range keysOf(part, a.result.Waiting) {
		what := list(a.result.Waiting[k], ", ")
		groups[what] = append(groups[what], string(k))
	}

	out := make([]string, 0, len(groups))
	for _, what := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, fmt.Sprintf("%s for %s", list(groups[what], ", "), what))
	}

	return out
}

func (a answer) leaving(part string) []string {
	var out []string

	for _, k := range keysOf(part, a.result.Leaving) {
		out = append(out, fmt.Sprintf("%s after %s", k, list(names(a.result.Leaving[k]), ", ")))
	}

	return out
}

// keysOf are the part's keys among those of m, sorted.
func keysOf[V any](part string, m map[kit.Key]V) []kit.Key {
	var out []kit.Key

	for k := range m {
		if plan.PartOf(k) == part {
			out = append(out, k)
		}
	}

	slices.Sort(out)

	return out
}

func names(keys []kit.Key) []string {
	out := make([]string, 0, len(keys))
	for _, k := range keys {
		out = append(out, string(k))
	}

	return out
}

// list names the first few and counts the rest.
func list(all []string, separator string) string {
	if len(all) <= maxNamed {
		return strings.Join(all, separator)
	}

	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxNamed], separator), len(all)-maxNamed)
}

// requestID matches what AWS puts into every error anew.
var requestID = regexp.MustCompile(`(?i),?\s*(api error )?request ?id:?\s*[0-9a-z-]+,?`)

// steady takes out of a message what changes on every try: a status that is
// never the same twice is an event each time.
func steady(message string) string {
	const limit = 300

	message = strings.Join(strings.Fields(requestID.ReplaceAllString(message, "")), " ")
	if len(message) > limit {
		message = strings.ToValidUTF8(message[:limit], "") + "…"
	}

	return message
}
