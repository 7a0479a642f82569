// Package wiretest makes the objects that tests of package wire compare encoders by.
package wiretest

import (
	"encoding"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Fill writes at random into everything that v, which must be a pointer, holds:
// some fields stay empty, others hold what is empty or says nothing, and some texts
// need escaping in JSON. Interfaces stay nil.
func Fill(r *rand.Rand, v any) { fill(r, reflect.ValueOf(v).Elem(), 0) }

// deepest is how far types are followed that would have no end.
const deepest = 12

func fill(r *rand.Rand, v reflect.Value, depth int) {
	if special(r, v) || depth > deepest || !v.CanSet() {
		return
	}

	switch v.Kind() {
	case reflect.String:
		v.SetString(pick(r, "", "a", "\"<ä>&\\\n\u2028"))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(pick(r, int64(0), -1, 7, 127))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(pick(r, uint64(0), 1, 255))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(pick(r, 0.0, -0.5, 443, 1e15))
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem(), depth+1)
		}
	case reflect.Slice:
		if n := r.IntN(4) - 1; n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))

			for i := range n {
				fill(r, v.Index(i), depth+1)
			}
		}
	case reflect.Map:
		fillMap(r, v, depth)
	case reflect.Struct:
		for _, f := range v.Fields() {
			fill(r, f, depth+1)
		}
	default:
	}
}

func fillMap(r *rand.Rand, v reflect.Value, depth int) {
	n := r.IntN(4) - 1
	if n < 0 {
		return
	}

	v.Set(reflect.MakeMap(v.Type()))

	for range n {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(r, key, depth+1)
		fill(r, value, depth+1)
		v.SetMapIndex(key, value)
	}
}

// special fills types that marshal themselves, or leaves them as they are.
func special(r *rand.Rand, v reflect.Value) bool {
	if v.Kind() == reflect.Pointer || !v.CanAddr() || !v.CanSet() {
		return false
	}

	switch p := v.Addr().Interface().(type) {
	case *metav1.Time:
		if r.IntN(2) == 0 {
			p.Time = time.Unix(r.Int64N(1<<32), 0).UTC()
		}
	case *resource.Quantity:
		*p = resource.MustParse(pick(r, "0", "1500m", "2Gi"))
	case *intstr.IntOrString:
		*p = pick(r, intstr.FromInt32(8188), intstr.FromString("http"))
	case json.Marshaler, encoding.TextMarshaler:
	default:
		return false
	}

	return true
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
