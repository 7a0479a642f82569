package kit

import (
	"fmt"
	"reflect"
	"strings"

	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/function-sdk-go/resource/composed"
)

// providerConfigReferencer is a managed resource of Crossplane v2.
type providerConfigReferencer interface {
	SetProviderConfigReference(r *xpv1.ProviderConfigReference)
}

// complete puts on an object what no part should have to say, and turns it into
// what Crossplane applies. Everything in it is "fully specified intent".
func (d *Desired) complete(k Key, o Object) (*composed.Unstructured, error) {
	if o.GetName() != "" {
		return nil, fmt.Errorf("a part must not name it, but it is called %q", o.GetName())
	}

	o.SetName(d.nameOf(k))

	if name := d.inventory.ExternalName(k); name != "" {
		meta.SetExternalName(o, name)
	}

	if m, ok := o.(providerConfigReferencer); ok {
		pc := d.inventory.ProviderConfig()
		m.SetProviderConfigReference(&pc)
	}

	setDefaults(o, d.inventory.Region(), d.inventory.Tags(k))

	u, err := composed.From(o)
	if err != nil {
		return nil, err
	}

	// From leaves status.observedGeneration: 0, and status is not ours.
	delete(u.Object, "status")

	// And of initProvider, which no part uses, it leaves what is no pointer: a
	// reference to a Secret of no name, which a provider takes at its word.
	if spec, ok := u.Object["spec"].(map[string]any); ok {
		delete(spec, "initProvider")
	}

	return u, nil
}

// setDefaults fills spec.forProvider.region and .tags where the type has the
// field. Kinds without one (IAM has no region, Route no tags) stay without.
func setDefaults(o Object, region string, tags map[string]string) {
	spec := reflect.ValueOf(o).Elem().FieldByName("Spec")
	if spec.Kind() != reflect.Struct {
		return
	}

	params := spec.FieldByName("ForProvider")
	if params.Kind() != reflect.Struct {
		return
	}

	// ClusterAuth alone has a plain string.
	switch f := params.FieldByName("Region"); {
	case f.Kind() == reflect.String && f.IsZero():
		f.SetString(region)
	case f.Kind() == reflect.Pointer && f.IsNil():
		f.Set(reflect.ValueOf(&region))
	}

	if f := params.FieldByName("Tags"); f.Kind() == reflect.Map && f.IsNil() {
		m := make(map[string]*string, len(tags))
		for k, v := range tags {
			m[k] = &v
		}

		f.Set(reflect.ValueOf(m))
	}
}

// references are the keys that an object refers to by name.
func (d *Desired) references(obj map[string]any) []Key {
	var out []Key

	for _, name := range referencedNames(obj) {
		if k, ok := d.names[name]; ok {
			out = append(out, k)
		}
	}

	return out
}

// referencedNames are the names in every …Ref and …Refs of spec.forProvider, and
// that of the provider config: an object in a cluster needs the one that leads
// there, and must not outlive it.
func referencedNames(obj map[string]any) []string {
	spec, _ := obj["spec"].(map[string]any)

	return appendRefs(appendNames(nil, spec["forProvider"]), spec["providerConfigRef"])
}

func appendNames(out []string, v any) []string {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out = appendNames(out, e)
		}
	case map[string]any:
		for field, e := range v {
			if strings.HasSuffix(field, "Ref") || strings.HasSuffix(field, "Refs") {
				out = appendRefs(out, e)
			} else {
				out = appendNames(out, e)
			}
		}
	}

	return out
}

// appendRefs takes one reference or a list of them.
func appendRefs(out []string, v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}

	for _, r := range list {
		m, _ := r.(map[string]any)
		if n, _ := m["name"].(string); n != "" {
			out = append(out, n)
		}
	}

	return out
}
