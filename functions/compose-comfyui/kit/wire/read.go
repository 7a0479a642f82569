package wire

import "google.golang.org/protobuf/types/known/structpb"

// Get is the value under a path of fields, or nil.
func Get(s *structpb.Struct, path ...string) *structpb.Value {
	var v *structpb.Value

	for i, name := range path {
		if i > 0 {
			s = v.GetStructValue()
		}

		if v = s.GetFields()[name]; v == nil {
			return nil
		}
	}

	return v
}

// String is the text under a path of fields, or empty.
func String(s *structpb.Struct, path ...string) string { return Get(s, path...).GetStringValue() }

// Kind is what an object says it is.
func Kind(s *structpb.Struct) (apiVersion, kind string) {
	return String(s, "apiVersion"), String(s, "kind")
}
