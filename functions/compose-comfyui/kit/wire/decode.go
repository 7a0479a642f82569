package wire

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"

	"google.golang.org/protobuf/types/known/structpb"
)

// Decode reads a value into what into points at, as encoding/json would, but that
// names match exactly, as Kubernetes has it.
func Decode(v *structpb.Value, into any) error {
	to := reflect.ValueOf(into)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("cannot decode into %T: it is no pointer", into)
	}

	if decode(v, to.Elem()) == nil {
		return nil
	}

	// What does not fit is told in the words of encoding/json, and what only that
	// knows how to read is read by it.
	to.Elem().SetZero()

	b, err := json.Marshal(v.AsInterface())
	if err != nil {
		return fmt.Errorf("cannot decode into %T: %w", into, err)
	}

	return json.Unmarshal(b, into)
}

// errUnfit says nothing: encoding/json will.
var errUnfit = errors.New("it does not fit")

func decode(from *structpb.Value, to reflect.Value) error {
	if _, null := from.GetKind().(*structpb.Value_NullValue); null || from.GetKind() == nil {
		if isNillable(to.Kind()) {
			to.SetZero()
		}

		return nil
	}

	switch to.Kind() {
	case reflect.Pointer:
		n := reflect.New(to.Type().Elem())
		to.Set(n)

		return decode(from, n.Elem())
	case reflect.Interface:
		if to.NumMethod() > 0 {
			return errUnfit
		}

		to.Set(reflect.ValueOf(from.AsInterface()))

		return nil
	case reflect.Slice, reflect.Map, reflect.Struct:
		return decodeMany(from, to)
	default:
		return decodeOne(from, to)
	}
}

func decodeOne(from *structpb.Value, to reflect.Value) error {
	if layoutOf(to.Type()).unmarshals {
		return errUnfit
	}

	switch k := from.GetKind().(type) {
	case *structpb.Value_StringValue:
		if to.Kind() == reflect.String {
			to.SetString(k.StringValue)
			return nil
		}
	case *structpb.Value_BoolValue:
		if to.Kind() == reflect.Bool {
			to.SetBool(k.BoolValue)
			return nil
		}
	case *structpb.Value_NumberValue:
		// Beyond it JSON writes an exponent, and a double no longer knows its units.
		const exact = 1 << 53

		n := k.NumberValue

		switch {
		case to.CanFloat() && !to.OverflowFloat(n):
			to.SetFloat(n)
			return nil
		case to.CanInt() && n == math.Trunc(n) && math.Abs(n) < exact && !to.OverflowInt(int64(n)):
			to.SetInt(int64(n))
			return nil
		}
	}

	return errUnfit
}

func decodeMany(from *structpb.Value, to reflect.Value) error {
	l := layoutOf(to.Type())
	if l.unmarshals {
		return errUnfit
	}

	list, isList := from.GetKind().(*structpb.Value_ListValue)
	object, isObject := from.GetKind().(*structpb.Value_StructValue)

	switch {
	case isList && to.Kind() == reflect.Slice && to.Type().Elem().Kind() != reflect.Uint8:
		return decodeList(list.ListValue.GetValues(), to)
	case isObject && to.Kind() == reflect.Map && to.Type().Key().Kind() == reflect.String && !layoutOf(to.Type().Key()).unmarshals:
		return decodeMap(object.StructValue.GetFields(), to)
	case isObject && to.Kind() == reflect.Struct:
		for name, v := range object.StructValue.GetFields() {
			if i, ok := l.fields[name]; ok {
				if err := decode(v, to.FieldByIndex(i)); err != nil {
					return err
				}
			}
		}

		return nil
	}

	return errUnfit
}

func decodeList(from []*structpb.Value, to reflect.Value) error {
	to.Set(reflect.MakeSlice(to.Type(), len(from), len(from)))

	for i, v := range from {
		if err := decode(v, to.Index(i)); err != nil {
			return err
		}
	}

	return nil
}

func decodeMap(from map[string]*structpb.Value, to reflect.Value) error {
	to.Set(reflect.MakeMapWithSize(to.Type(), len(from)))

	for k, v := range from {
		value := reflect.New(to.Type().Elem()).Elem()
		if err := decode(v, value); err != nil {
			return err
		}

		to.SetMapIndex(reflect.ValueOf(k).Convert(to.Type().Key()), value)
	}

	return nil
}

func isNillable(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Map || k == reflect.Slice || k == reflect.Interface
}

// A layout is what there is to know of a type before anything is read into it.
type layout struct {
	// unmarshals says that it reads JSON itself, or that only encoding/json knows
	// how its fields are filled.
	unmarshals bool
	fields     map[string][]int
}

// layouts are those of the types that were met.
var layouts sync.Map //nolint:gochecknoglobals // It holds what is the same for ever.

func layoutOf(t reflect.Type) *layout {
	if l, ok := layouts.Load(t); ok {
		return l.(*layout) //nolint:forcetypeassert // Nothing else is stored.
	}

	p := reflect.PointerTo(t)
	l := &layout{
		unmarshals: p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()),
	}

	if t.Kind() == reflect.Struct && !l.unmarshals {
		fields, why := fieldsOf(t)
		l.unmarshals = why != ""
		l.fields = make(map[string][]int, len(fields))

		for _, f := range fields {
			l.fields[f.name] = f.index
		}
	}

	actual, _ := layouts.LoadOrStore(t, l)

	return actual.(*layout) //nolint:forcetypeassert // Nothing else is stored.
}
