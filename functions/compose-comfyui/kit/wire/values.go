package wire

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func text(a *arena, v reflect.Value) (*structpb.Value, error) {
	s := v.String()
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("cannot encode %q: it is no UTF-8", s)
	}

	return a.text(s), nil
}

func boolean(a *arena, v reflect.Value) (*structpb.Value, error) { return a.boolean(v.Bool()), nil }

// Protobuf knows one number type, as JSON does.
func integer(a *arena, v reflect.Value) (*structpb.Value, error) {
	return a.number(float64(v.Int())), nil
}

func unsigned(a *arena, v reflect.Value) (*structpb.Value, error) {
	return a.number(float64(v.Uint())), nil
}

func float(a *arena, v reflect.Value) (*structpb.Value, error) {
	n := v.Float()
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, fmt.Errorf("cannot encode %v: JSON has no such number", n)
	}

	return a.number(n), nil
}

// dynamic is the encoding of what an interface holds.
func (e *Encoder) dynamic(a *arena, v reflect.Value) (*structpb.Value, error) {
	if v.IsNil() {
		return structpb.NewNullValue(), nil
	}

	return e.of(v.Elem().Type())(a, v.Elem())
}

func (e *Encoder) pointer(t reflect.Type, without []string) encodeFunc {
	elem := e.inner(t.Elem(), without)

	return func(a *arena, v reflect.Value) (*structpb.Value, error) {
		if v.IsNil() {
			return structpb.NewNullValue(), nil
		}

		return elem(a, v.Elem())
	}
}

// inner is of, with something left out.
func (e *Encoder) inner(t reflect.Type, without []string) encodeFunc {
	if len(without) == 0 {
		return e.of(t)
	}

	return e.plan(t, without)
}

func (e *Encoder) slice(t reflect.Type) encodeFunc {
	if t.Elem().Kind() == reflect.Uint8 {
		return e.bytes
	}

	elem := e.of(t.Elem())

	return func(a *arena, v reflect.Value) (*structpb.Value, error) {
		if v.IsNil() && !e.lean {
			return structpb.NewNullValue(), nil
		}

		list := make([]*structpb.Value, v.Len())

		for i := range list {
			var err error
			if list[i], err = elem(a, v.Index(i)); err != nil {
				return nil, err
			}
		}

		return a.list(list), nil
	}
}

func (e *Encoder) bytes(a *arena, v reflect.Value) (*structpb.Value, error) {
	if v.IsNil() && !e.lean {
		return structpb.NewNullValue(), nil
	}

	return a.text(base64.StdEncoding.EncodeToString(v.Bytes())), nil
}

func (e *Encoder) mapping(t reflect.Type) encodeFunc {
	if t.Key().Kind() != reflect.String || marshaled(t.Key()) != nil {
		return unknown(t, "its keys are no strings")
	}

	elem := e.of(t.Elem())

	return func(a *arena, v reflect.Value) (*structpb.Value, error) {
		if v.IsNil() && !e.lean {
			return structpb.NewNullValue(), nil
		}

		// Reflection would copy each key and each value.
		switch m := v.Interface().(type) {
		case map[string]string:
			return stringMap(a, m, func(s string) *string { return &s })
		case map[string]*string:
			return stringMap(a, m, func(s *string) *string { return s })
		}

		fields := make(map[string]*structpb.Value, v.Len())

		for i := v.MapRange(); i.Next(); {
			value, err := elem(a, i.Value())
			if err != nil {
				return nil, err
			}

			key, err := text(a, i.Key())
			if err != nil {
				return nil, err
			}

			fields[key.GetStringValue()] = value
		}

		return a.object(fields), nil
	}
}

func stringMap[V any](a *arena, m map[string]V, of func(V) *string) (*structpb.Value, error) {
	fields := make(map[string]*structpb.Value, len(m))

	for k, v := range m {
		s := of(v)
		if s == nil {
			fields[k] = structpb.NewNullValue()
			continue
		}

		if !utf8.ValidString(k) || !utf8.ValidString(*s) {
			return nil, fmt.Errorf("cannot encode %q: %q: it is no UTF-8", k, *s)
		}

		fields[k] = a.text(*s)
	}

	return a.object(fields), nil
}

//nolint:gochecknoglobals // Constants that Go has no const for.
var (
	ours         = reflect.TypeFor[Marshaler]()
	toJSON       = reflect.TypeFor[json.Marshaler]()
	toText       = reflect.TypeFor[encoding.TextMarshaler]()
	timestamp    = reflect.TypeFor[metav1.Time]()
	bareDuration = reflect.TypeFor[time.Duration]()
)

// marshaled is the encoding of a type that marshals itself, or nil.
func marshaled(t reflect.Type) encodeFunc {
	pointer := reflect.PointerTo(t)

	switch {
	case t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer:
		// What it holds or points at has its say.
		return nil
	case t == timestamp:
		return moment
	case t == bareDuration:
		// The two encoders disagree on it.
		return unknown(t, "take metav1.Duration")
	case pointer.Implements(ours):
		return by(func(m any) (*structpb.Value, error) { return m.(Marshaler).MarshalWire() }) //nolint:forcetypeassert // Asked above.
	case pointer.Implements(toJSON):
		return by(func(m any) (*structpb.Value, error) { return fromJSON(m.(json.Marshaler)) }) //nolint:forcetypeassert // Asked above.
	case pointer.Implements(toText):
		return by(func(m any) (*structpb.Value, error) {
			b, err := m.(encoding.TextMarshaler).MarshalText() //nolint:forcetypeassert // Asked above.
			return structpb.NewStringValue(string(b)), err
		})
	default:
		return nil
	}
}

func by(marshal func(any) (*structpb.Value, error)) encodeFunc {
	return func(_ *arena, v reflect.Value) (*structpb.Value, error) {
		return marshal(addressable(v).Addr().Interface())
	}
}

// addressable is v, or a copy where v is no variable: methods may need one.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}

	c := reflect.New(v.Type()).Elem()
	c.Set(v)

	return c
}

func fromJSON(m json.Marshaler) (*structpb.Value, error) {
	b, err := m.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("cannot encode %T: %w", m, err)
	}

	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("cannot encode %T: %w", m, err)
	}

	return structpb.NewValue(v)
}

// moment spares every object's creationTimestamp the way through JSON.
func moment(_ *arena, v reflect.Value) (*structpb.Value, error) {
	if v.IsZero() {
		return structpb.NewNullValue(), nil
	}

	t, _ := reflect.TypeAssert[metav1.Time](v)

	return fromJSON(t)
}
