package kit

import (
	"fmt"
	"reflect"
	"strings"

	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/function-sdk-go/resource/composed"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire"
)

// intent encodes what is applied. Status and generation are not ours. Of
// spec.initProvider, which no part uses, there would remain what is no pointer: a
// reference to a Secret of no name, which a provider takes at its word.
var intent = wire.Intent("status", "metadata.generation", "spec.initProvider") //nolint:gochecknoglobals // It remembers how types are laid out, which is the same for ever.

// providerConfigReferencer is a managed resource of Crossplane v2.
type providerConfigReferencer interface {
	SetProviderConfigReference(r *xpv1.ProviderConfigReference)
}

// complete puts on an object what no part should have to say, and turns it into
// what Crossplane applies. Everything in it is "fully specified intent".
func (d *Desired) complete(k Key, o Object) (*structpb.Struct, error) {
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

	kinds, _, err := composed.Scheme.ObjectKinds(o)
	if err != nil {
		return nil, err
	}

	o.GetObjectKind().SetGroupVersionKind(kinds[0])

	return intent.Struct(o)
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
func (d *Desired) references(s *structpb.Struct) []Key {
	var out []Key

	for _, name := range referencedNames(s) {
		if k, ok := d.names[name]; ok {
			out = append(out, k)
		}
	}

	return out
}

// referencedNames are the names in every …Ref and …Refs of spec.forProvider, and
// that of the provider config: an object in a cluster needs the one that leads
// there, and must not outlive it.
func referencedNames(s *structpb.Struct) []string {
	return appendRefs(appendNames(nil, wire.Get(s, "spec", "forProvider")), wire.Get(s, "spec", "providerConfigRef"))
}

func appendNames(out []string, v *structpb.Value) []string {
	switch k := v.GetKind().(type) {
	case *structpb.Value_ListValue:
		for _, e := range k.ListValue.GetValues() {
			out = appendNames(out, e)
		}
	case *structpb.Value_StructValue:
		for field, e := range k.StructValue.GetFields() {
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
func appendRefs(out []string, v *structpb.Value) []string {
	if name := wire.String(v.GetStructValue(), "name"); name != "" {
		out = append(out, name)
	}

	for _, r := range v.GetListValue().GetValues() {
		if name := wire.String(r.GetStructValue(), "name"); name != "" {
			out = append(out, name)
		}
	}

	return out
}
