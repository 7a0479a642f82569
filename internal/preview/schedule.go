package preview

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/offline"
)

//go:embed durations.yaml
var durationsYAML []byte

var durations = sync.OnceValues(func() (map[string]float64, error) { //nolint:gochecknoglobals // A constant that needs parsing.
	out := map[string]float64{}
	if err := yaml.UnmarshalStrict(durationsYAML, &out); err != nil {
		return nil, fmt.Errorf("cannot read the table of durations: %w", err)
	}

	return out, nil
})

// A Step is when a resource is made.
type Step struct {
	Key, Kind string
	// After is the resource that it waited for last, or empty.
	After string
	// Start and End are counted from when the claim is applied.
	Start, End time.Duration
}

// A Schedule is a studio that is made by AWS alone: what Crossplane, the function
// and the provider add is not in it, nor are images, models and nodes that come
// later.
type Schedule struct {
	Rendering Rendering
	// Claim is the studio's when it is ready.
	Claim *unstructured.Unstructured
	Steps []Step
}

// Path is the critical path: from the resource that is ready last back to what it
// waited for, the first step first.
func (s Schedule) Path() []Step {
	byKey := map[string]Step{}
	last := Step{}

	for _, one := range s.Steps {
		byKey[one.Key] = one
		if one.End > last.End {
			last = one
		}
	}

	out := []Step{}
	for at, ok := last, last.Key != ""; ok; at, ok = byKey[at.After] {
		out = append(out, at)
	}

	slices.Reverse(out)

	return out
}

// A clock runs a studio's resources through time: whenever some become ready, the
// function is asked what comes next.
type clock struct {
	studio Studio
	f      *Function
	took   map[string]float64

	now     time.Duration
	woke    string
	steps   map[string]Step
	desired map[string]*fnv1.Resource
	// names are the keys of resources by their names, which others refer to.
	names map[string]string
}

// Schedule makes a studio, and tells when each resource of it is made.
func (s *Studio) Schedule(ctx context.Context, f *Function) (Schedule, error) {
	table, err := durations()
	if err != nil {
		return Schedule{}, err
	}

	c := clock{studio: Studio{Claim: s.Claim.DeepCopy(), Observed: map[string]map[string]any{}}, f: f, took: table, steps: map[string]Step{}, names: map[string]string{}}

	// Each round makes something ready, so no studio needs more.
	const most = 1000

	for range most {
		rsp, err := c.studio.round(ctx, f)
		if err != nil {
			return Schedule{}, err
		}

		c.desired = rsp.GetDesired().GetResources()
		if status := rsp.GetDesired().GetComposite().GetResource().AsMap()["status"]; status != nil {
			c.studio.Claim.Object["status"] = status
		}

		if rsp.GetDesired().GetComposite().GetReady() == fnv1.Ready_READY_TRUE && c.allReady() {
			return c.schedule(), nil
		}

		c.begin()

		if !c.forward() {
			return Schedule{}, c.studio.notReady(ctx, f)
		}
	}

	return Schedule{}, errors.New("cannot tell when the studio is ready")
}

func (c *clock) allReady() bool {
	for k := range c.desired {
		if _, ok := c.studio.Observed[k]; !ok {
			return false
		}
	}

	return true
}

// begin has what is desired and not begun begin, once all that it refers to is
// ready.
func (c *clock) begin() {
	for k, r := range c.desired {
		metadata, _ := r.GetResource().AsMap()["metadata"].(map[string]any)
		if name, _ := metadata["name"].(string); name != "" {
			c.names[name] = k
		}
	}

	for k, r := range c.desired {
		if _, begun := c.steps[k]; begun {
			continue
		}

		o := r.GetResource().AsMap()
		spec, _ := o["spec"].(map[string]any)

		refs := c.refers(spec["forProvider"])
		if slices.ContainsFunc(refs, func(k string) bool { return c.studio.Observed[k] == nil }) {
			continue
		}

		kind, _ := o["kind"].(string)

		seconds, ok := c.took[kind]
		if !ok {
			seconds = 1
		}

		c.steps[k] = Step{Key: k, Kind: kind, After: c.after(refs), Start: c.now, End: c.now + time.Duration(seconds*float64(time.Second))}
	}
}

// refers lists the resources that a value refers to.
func (c *clock) refers(v any) []string {
	var out []string

	switch v := v.(type) {
	case map[string]any:
		for field, e := range v {
			if ref, ok := e.(map[string]any); ok && strings.HasSuffix(field, "Ref") {
				name, _ := ref["name"].(string)
				if k, known := c.names[name]; known {
					out = append(out, k)
				}
			}

			out = append(out, c.refers(e)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, c.refers(e)...)
		}
	}

	return out
}

// after is what a resource that begins now waited for: what it refers to, if that
// became ready now, and else what had the function run.
func (c *clock) after(refs []string) string {
	for _, k := range refs {
		if c.steps[k].End == c.now {
			return k
		}
	}

	return c.woke
}

// forward goes to the moment at which something becomes ready next.
func (c *clock) forward() bool {
	// What is no longer desired is gone.
	for k := range c.steps {
		if c.desired[k] == nil {
			delete(c.studio.Observed, k)
			delete(c.steps, k)
		}
	}

	next := Step{}

	for k, s := range c.steps {
		if c.studio.Observed[k] != nil {
			continue
		}

		// What took longest is what others waited for.
		if next.Key == "" || s.End < next.End || (s.End == next.End && (s.Start < next.Start || (s.Start == next.Start && s.Key < next.Key))) {
			next = s
		}
	}

	if next.Key == "" {
		return false
	}

	c.now, c.woke = next.End, next.Key

	for k, s := range c.steps {
		if r := c.desired[k]; r != nil && s.End <= c.now && c.studio.Observed[k] == nil {
			c.studio.Observed[k] = offline.Ready(k, r.GetResource().AsMap(), c.f.release)
		}
	}

	return true
}

func (c *clock) schedule() Schedule {
	out := Schedule{Rendering: c.studio.rendering(c.desired), Claim: c.studio.Claim}

	for _, r := range out.Rendering {
		out.Steps = append(out.Steps, c.steps[r.Key])
	}

	return out
}
