package wire

import (
	"reflect"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"
)

// A field is a field of a struct, or of one that is embedded in it.
type field struct {
	name  string
	index []int
	of    reflect.Type
	// empty and zero are omitempty and omitzero.
	empty, zero bool
	isZero      func(v reflect.Value) bool
	encode      encodeFunc
}

func (e *Encoder) structure(t reflect.Type, without []string) encodeFunc {
	all, why := fieldsOf(t)
	if why != "" {
		return unknown(t, why)
	}

	fields := slices.DeleteFunc(all, func(f field) bool { return slices.Contains(without, f.name) })
	for i := range fields {
		fields[i].encode = e.inner(fields[i].of, below(without, fields[i].name))
	}

	return func(a *arena, v reflect.Value) (*structpb.Value, error) {
		mark := a.mark()

		for i := range fields {
			f := &fields[i]

			value, err := e.field(a, f, v)
			if err != nil {
				return nil, err
			}

			if value != nil {
				a.push(f.name, value)
			}
		}

		return a.objectFrom(mark), nil
	}
}

// field is the value of a field, or nil where it is left out.
func (e *Encoder) field(a *arena, f *field, v reflect.Value) (*structpb.Value, error) {
	if len(f.index) == 1 {
		v = v.Field(f.index[0])
	} else {
		v = v.FieldByIndex(f.index)
	}

	if f.empty && (isNil(v) || !e.lean && isEmpty(v)) || f.zero && f.isZero(v) {
		return nil, nil //nolint:nilnil // It is left out.
	}

	value, err := f.encode(a, v)
	if err != nil || f.empty && e.lean && saysNothing(value) {
		return nil, err
	}

	return value, nil
}

// fieldsOf are the fields of a struct, or why it is not known how JSON has them.
func fieldsOf(t reflect.Type) (out []field, why string) {
	for i := range t.NumField() {
		sf := t.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		option := strings.Split(options, ",")

		switch {
		case name == "-" || !sf.IsExported() && !sf.Anonymous:
			continue
		case slices.Contains(option, "string"):
			return nil, "a number that is written as a string"
		case name == "" && (sf.Anonymous || slices.Contains(option, "inline")):
			inlined, why := inlinedFields(sf.Type, i)
			if why != "" {
				return nil, why
			}

			out = append(out, inlined...)

			continue
		case name == "":
			name = sf.Name
		}

		out = append(out, field{
			name: name, index: []int{i}, of: sf.Type,
			empty: slices.Contains(option, "omitempty"), zero: slices.Contains(option, "omitzero"), isZero: zeroOf(sf.Type),
		})
	}

	seen := map[string]bool{}
	for _, f := range out {
		if seen[f.name] {
			return nil, "it has two fields " + f.name
		}

		seen[f.name] = true
	}

	return out, ""
}

func inlinedFields(t reflect.Type, at int) ([]field, string) {
	if t.Kind() != reflect.Struct || marshaled(t) != nil {
		return nil, "what is embedded in it is no plain struct"
	}

	out, why := fieldsOf(t)
	for i := range out {
		out[i].index = append([]int{at}, out[i].index...)
	}

	return out, why
}

// below are the paths under a field.
func below(paths []string, name string) []string {
	var out []string

	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, name+"."); ok {
			out = append(out, rest)
		}
	}

	return out
}

// zeroOf is what omitzero asks: the type, where it knows.
func zeroOf(t reflect.Type) func(v reflect.Value) bool {
	type zeroer interface{ IsZero() bool }

	if t.Kind() != reflect.Struct || !reflect.PointerTo(t).Implements(reflect.TypeFor[zeroer]()) {
		return reflect.Value.IsZero
	}

	return func(v reflect.Value) bool {
		z, _ := reflect.TypeAssert[zeroer](addressable(v).Addr())
		return z.IsZero()
	}
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		return v.IsNil()
	default:
		return false
	}
}

// isEmpty is omitempty by the rules of encoding/json.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Map, reflect.Slice, reflect.Array:
		return v.Len() == 0
	case reflect.Struct, reflect.Pointer, reflect.Interface:
		return false
	default:
		return v.IsZero()
	}
}

// saysNothing is omitempty by the rules of go-json-experiment.
func saysNothing(v *structpb.Value) bool {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return k.StringValue == ""
	case *structpb.Value_StructValue:
		return len(k.StructValue.GetFields()) == 0
	case *structpb.Value_ListValue:
		return len(k.ListValue.GetValues()) == 0
	case *structpb.Value_NullValue:
		return true
	default:
		return false
	}
}
