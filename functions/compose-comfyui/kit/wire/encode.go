package wire

import (
	"fmt"
	"reflect"
	"sync"

	"google.golang.org/protobuf/types/known/structpb"
)

// A Marshaler encodes itself. The error should name the type.
type Marshaler interface {
	MarshalWire() (*structpb.Value, error)
}

// An Encoder turns objects into structs by one set of rules.
type Encoder struct {
	// lean says that omitempty leaves out what is written as null, "", {} or [],
	// and that what is nil is written as {} or [] otherwise. So does
	// github.com/go-json-experiment/json. The other way, that of encoding/json,
	// omitempty leaves out what is zero in Go, and nil is null.
	lean    bool
	without []string

	// plans are the types that were met, by type.
	plans sync.Map
}

// Intent returns an encoder for what is applied on the server's side: whatever is
// in an object is what somebody wants. A struct that says nothing is left out
// where its tag has omitempty. Paths such as spec.initProvider are left out of
// every object.
func Intent(without ...string) *Encoder { return &Encoder{lean: true, without: without} }

// Standard returns an encoder by the rules of encoding/json.
func Standard() *Encoder { return &Encoder{} }

// Struct encodes the struct that o points at.
func (e *Encoder) Struct(o any) (*structpb.Struct, error) {
	v, err := e.Value(o)
	if err != nil {
		return nil, err
	}

	s := v.GetStructValue()
	if s == nil {
		return nil, fmt.Errorf("cannot encode %T: it is no object", o)
	}

	return s, nil
}

// Value encodes anything.
func (e *Encoder) Value(o any) (*structpb.Value, error) {
	v := reflect.ValueOf(o)
	if !v.IsValid() {
		return structpb.NewNullValue(), nil
	}

	encode := e.root(v.Type())

	a, _ := arenas.Get().(*arena)
	defer a.release()

	return encode(a, v)
}

// An encodeFunc encodes values of one type.
type encodeFunc func(a *arena, v reflect.Value) (*structpb.Value, error)

// root is the encoding of a whole object, which lacks what is left out of all.
func (e *Encoder) root(t reflect.Type) encodeFunc {
	if len(e.without) == 0 {
		return e.of(t)
	}

	type whole struct{ reflect.Type }

	if f, ok := e.plans.Load(whole{t}); ok {
		return f.(encodeFunc) //nolint:forcetypeassert // Nothing else is stored.
	}

	f := e.plan(t, e.without)
	e.plans.Store(whole{t}, f)

	return f
}

// of is the encoding of a part of an object.
func (e *Encoder) of(t reflect.Type) encodeFunc {
	if f, ok := e.plans.Load(t); ok {
		return f.(encodeFunc) //nolint:forcetypeassert // Nothing else is stored.
	}

	// A type may hold itself: whoever meets it again gets this.
	var (
		planned encodeFunc
		ready   sync.WaitGroup
	)

	ready.Add(1)

	later := encodeFunc(func(a *arena, v reflect.Value) (*structpb.Value, error) {
		ready.Wait()
		return planned(a, v)
	})
	if f, met := e.plans.LoadOrStore(t, later); met {
		return f.(encodeFunc) //nolint:forcetypeassert // Nothing else is stored.
	}

	planned = e.plan(t, nil)
	ready.Done()
	e.plans.Store(t, planned)

	return planned
}

func (e *Encoder) plan(t reflect.Type, without []string) encodeFunc {
	if f := marshaled(t); f != nil {
		return f
	}

	switch t.Kind() {
	case reflect.String:
		return text
	case reflect.Bool:
		return boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return integer
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return unsigned
	case reflect.Float32, reflect.Float64:
		return float
	case reflect.Pointer:
		return e.pointer(t, without)
	case reflect.Interface:
		return e.dynamic
	case reflect.Map:
		return e.mapping(t)
	case reflect.Slice:
		return e.slice(t)
	case reflect.Struct:
		return e.structure(t, without)
	default:
		return unknown(t, "there is no JSON of it")
	}
}

func unknown(t reflect.Type, why string) encodeFunc {
	return func(*arena, reflect.Value) (*structpb.Value, error) {
		return nil, fmt.Errorf("cannot encode %s: %s", t, why)
	}
}
