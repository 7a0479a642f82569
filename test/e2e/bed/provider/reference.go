package provider

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// A reference is a field that can name another managed resource instead of
// holding its value. The table follows provider-aws v2.5.0's
// zz_generated.resolvers.go.
type reference struct {
	// field is the path of the value below forProvider. A segment that ends
	// in [] is a list of blocks.
	field string
	// ref is the path of the reference; field+"Ref" when empty.
	ref string
	// refs is the path of a list of references.
	refs string
	to   cloud.Kind
	// extract gets the value from the other resource; its external name when
	// nil. An external name that is metadata.name is there before the
	// resource is: such a reference does not wait.
	extract extractor
}

func (r reference) refPath() string {
	if r.ref != "" {
		return r.ref
	}
	return r.field + "Ref"
}

// resolved tells whether a reference stands beside its value.
func (r reference) resolved(in cloud.Values) bool {
	if head, rest, nested := strings.Cut(r.field, "[]."); nested {
		sub := r
		sub.field, sub.ref = rest, strings.TrimPrefix(r.refPath(), head+"[].")
		return slices.ContainsFunc(in.List(head), sub.resolved)
	}
	if r.refs != "" {
		return in.Has(r.refs) && in.Has(r.field)
	}
	return in.Has(r.refPath()) && in.Has(r.field)
}

// An extractor gets a value from a referenced managed resource.
type extractor func(*unstructured.Unstructured) string

func externalNameOf(u *unstructured.Unstructured) string { return u.GetAnnotations()[annotationName] }

// byStatus extracts a field of status.atProvider, so that the reference waits
// until the resource is made.
func byStatus(field string) extractor {
	return func(u *unstructured.Unstructured) string {
		s, _, _ := unstructured.NestedString(u.Object, "status", "atProvider", field)
		return s
	}
}

// ifActive is ExternalNameIfClusterActive of provider-aws.
func ifActive(u *unstructured.Unstructured) string {
	if byStatus("status")(u) != "ACTIVE" {
		return ""
	}
	return externalNameOf(u)
}

// A lookup gets a managed resource from the provider's cache.
type lookup func(k cloud.Kind, namespace, name string) (*unstructured.Unstructured, error)

// resolve writes the values of all references into forProvider, as far as
// they are not there. It tells whether anything changed.
func resolve(k kind, u *unstructured.Unstructured, get lookup) (bool, error) {
	forProvider := forProviderOf(u)
	changed := false
	for _, r := range k.refs {
		c, err := r.resolve(forProvider, u.GetNamespace(), get)
		if err != nil {
			return false, fmt.Errorf("cannot resolve references: mg.Spec.ForProvider.%s: %w", r.field, err)
		}
		changed = changed || c
	}
	return changed, nil
}

func (r reference) resolve(in cloud.Values, namespace string, get lookup) (bool, error) {
	if head, rest, nested := strings.Cut(r.field, "[]."); nested {
		sub := r
		sub.field, sub.ref = rest, strings.TrimPrefix(r.refPath(), head+"[].")
		changed := false
		for _, block := range in.List(head) {
			c, err := sub.resolve(block, namespace, get)
			if err != nil {
				return false, err
			}
			changed = changed || c
		}
		return changed, nil
	}
	if r.refs != "" {
		return r.resolveList(in, namespace, get)
	}
	if in.Get(r.refPath()) == nil || in.String(r.field) != "" && !resolvesAlways(in.Get(r.refPath())) {
		return false, nil
	}
	value, err := r.value(in.Get(r.refPath()), namespace, get)
	if err != nil {
		return false, err
	}
	changed := in.String(r.field) != value
	in.Set(r.field, value)
	return changed, nil
}

// resolvesAlways tells of a reference that it is resolved anew each time, and not
// only while there is no value (crossplane-runtime, pkg/reference).
func resolvesAlways(ref any) bool {
	m, _ := ref.(map[string]any)
	return cloud.Values(m).String("policy.resolve") == "Always"
}

// resolveList resolves a list. The provider sorts what it resolved and puts
// the references into the same order; this was seen on Cluster, NodeGroup and
// LB, where the next apply then put back the order of the references.
func (r reference) resolveList(in cloud.Values, namespace string, get lookup) (bool, error) {
	refs, _ := in.Get(r.refs).([]any)
	if len(in.Strings(r.field)) > 0 || len(refs) == 0 {
		return false, nil
	}
	type pair struct {
		value string
		ref   any
	}
	pairs := []pair{}
	for _, ref := range refs {
		value, err := r.value(ref, namespace, get)
		if err != nil {
			return false, err
		}
		pairs = append(pairs, pair{value, ref})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return strings.Compare(a.value, b.value) })
	values, sorted := []any{}, []any{}
	for _, p := range pairs {
		values, sorted = append(values, p.value), append(sorted, p.ref)
	}
	in.Set(r.field, values)
	in.Set(r.refs, sorted)
	return true, nil
}

func (r reference) value(ref any, namespace string, get lookup) (string, error) {
	m, _ := ref.(map[string]any)
	if ns := cloud.Values(m).String("namespace"); ns != "" {
		namespace = ns
	}
	name := cloud.Values(m).String("name")
	u, err := get(r.to, namespace, name)
	if err != nil {
		return "", fmt.Errorf("cannot get referenced resource: %w", err)
	}
	extract := r.extract
	if extract == nil {
		extract = externalNameOf
	}
	value := extract(u)
	if value == "" {
		return "", fmt.Errorf("referenced field was empty (referenced resource may not yet be ready): %s %q", r.to.Name, name)
	}
	return value, nil
}
