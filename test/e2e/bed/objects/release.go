package objects

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const chartKarpenter = "karpenter"

// How long Helm takes for the charts that studios use.
const (
	installs   = 8 * time.Second
	uninstalls = 5 * time.Second
)

// A chart is what an installation of it brings.
type chart struct {
	groups []string // of its CRDs
}

// chartOf knows the charts of a studio; another brings nothing that matters.
func chartOf(name string) chart {
	switch name {
	case chartKarpenter, "karpenter-crd":
		return chart{groups: []string{groupPools, groupClasses}}
	default:
		return chart{}
	}
}

// installed is a release of Helm.
type installed struct {
	chart   string
	version string
	waits   bool

	since        time.Duration
	revision     int64
	gone         time.Duration
	uninstalling bool
}

// deployed tells whether Helm is done.
func (i *installed) deployed(c *cluster) bool { return i.in(c) == 0 }

// in is how long Helm still takes, never zero before it is done.
func (i *installed) in(c *cluster) time.Duration {
	left := i.since + installs - c.now()
	if !i.waits {
		return max(0, left)
	}

	// Its pods wait for a node, and Helm for its pods.
	nodes, ok := c.nodesSince()
	if !ok {
		return soon
	}

	return max(0, left, max(i.since, nodes)+podStarts-c.now())
}

// release reconciles a Release against a cluster.
func (r *run) release(ctx context.Context, c *cluster) (result, error) {
	at := id{namespace: r.stringAt("namespace"), name: r.externalName()}
	if at.namespace == "" {
		at.namespace = r.key.namespace
	}

	have := c.releases[at]
	if have != nil && have.uninstalling && c.now() >= have.gone {
		delete(c.releases, at)
		have = nil
	}

	switch {
	case have == nil && r.deleted():
		return result{}, r.letGo(ctx)
	case have == nil && r.onlyObserves():
		return r.failed(ctx, errAbsent)
	case r.deleted():
		if !have.uninstalling {
			have.uninstalling, have.gone = true, c.now()+uninstalls
		}

		return result{failed: true}, r.status(ctx, ready(false, "Deleting"), synced())
	}

	if err := r.hold(ctx); err != nil {
		return result{}, err
	}

	want := installed{
		chart: r.stringAt("chart", "name"), version: r.stringAt("chart", "version"),
		waits: r.boolAt("wait"),
	}

	if have == nil {
		if err := r.admits(c, at); err != nil {
			return r.failed(ctx, fmt.Errorf("create failed: %w", err), ready(false, "Creating"))
		}

		have = &installed{}
		c.releases[at] = have
	}

	if have.chart != want.chart || have.version != want.version {
		want.since, want.revision = c.now(), have.revision+1
		*have = want

		for _, g := range chartOf(want.chart).groups {
			c.groups[g] = c.groups[g] || !r.boolAt("skipCRDs")
		}
	}

	return r.report(ctx, c, have)
}

// admits refuses a release into a namespace that is not there and that it must
// not make.
func (r *run) admits(c *cluster, at id) error {
	if !r.boolAt("skipCreateNamespace") {
		return nil
	}

	if err := c.admits(at); err != nil {
		return fmt.Errorf("failed to install release: %w", err)
	}

	return nil
}

// report writes what provider-helm shows. While Helm waits it shows nothing.
func (r *run) report(ctx context.Context, c *cluster, have *installed) (result, error) {
	if in := have.in(c); in > 0 {
		return result{after: in}, r.status(ctx, ready(false, "Creating"), synced())
	}

	before := r.u.DeepCopy()
	what := "Install complete"

	if have.revision > 1 {
		what = "Upgrade complete"
	}

	_ = unstructured.SetNestedMap(r.u.Object, map[string]any{
		"state": "deployed", "releaseDescription": what, "revision": have.revision, "version": have.version,
	}, "status", "atProvider")
	_ = unstructured.SetNestedField(r.u.Object, true, "status", "synced")
	setConditions(r.u, ready(true, "Available"), synced())

	return result{after: poll}, r.writeStatus(ctx, before)
}

func (r *run) externalName() string {
	if n := r.u.GetAnnotations()["crossplane.io/external-name"]; n != "" {
		return n
	}

	return r.key.name
}

func (r *run) stringAt(path ...string) string {
	s, _, _ := unstructured.NestedString(r.u.Object, append([]string{"spec", "forProvider"}, path...)...)
	return s
}

func (r *run) boolAt(path ...string) bool {
	b, _, _ := unstructured.NestedBool(r.u.Object, append([]string{"spec", "forProvider"}, path...)...)
	return b
}
