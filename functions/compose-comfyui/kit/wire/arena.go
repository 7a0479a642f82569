package wire

import (
	"sync"

	"google.golang.org/protobuf/types/known/structpb"
)

// An arena allocates the values of one object, several at a time: one by one they
// would be most of what a run allocates. They live as long as their object.
type arena struct {
	texts   []textValue
	objects []objectValue
	// fields are those of the structs that are being encoded, the innermost last: a
	// map whose size is known is made once. The next object uses their room again.
	fields []namedValue
}

type namedValue struct {
	name  string
	value *structpb.Value
}

// arenas are those that nobody uses. Nothing is left in them but room.
var arenas = sync.Pool{New: func() any { return &arena{} }} //nolint:gochecknoglobals // A pool has to be.

func (a *arena) release() {
	clear(a.fields[:cap(a.fields)])
	*a = arena{fields: a.fields[:0]}
	arenas.Put(a)
}

type textValue struct {
	value structpb.Value
	kind  structpb.Value_StringValue
}

type objectValue struct {
	value  structpb.Value
	kind   structpb.Value_StructValue
	object structpb.Struct
}

type listValue struct {
	value structpb.Value
	kind  structpb.Value_ListValue
	list  structpb.ListValue
}

type numberValue struct {
	value structpb.Value
	kind  structpb.Value_NumberValue
}

type boolValue struct {
	value structpb.Value
	kind  structpb.Value_BoolValue
}

// batch is how many values are allocated at a time.
const batch = 8

func (a *arena) text(s string) *structpb.Value {
	if len(a.texts) == 0 {
		a.texts = make([]textValue, batch)
	}

	v := &a.texts[0]
	a.texts = a.texts[1:]
	v.kind.StringValue = s
	v.value.Kind = &v.kind

	return &v.value
}

func (a *arena) object(fields map[string]*structpb.Value) *structpb.Value {
	if len(a.objects) == 0 {
		a.objects = make([]objectValue, batch)
	}

	v := &a.objects[0]
	a.objects = a.objects[1:]
	v.object.Fields = fields
	v.kind.StructValue = &v.object
	v.value.Kind = &v.kind

	return &v.value
}

func (*arena) list(values []*structpb.Value) *structpb.Value {
	v := &listValue{}
	v.list.Values = values
	v.kind.ListValue = &v.list
	v.value.Kind = &v.kind

	return &v.value
}

func (*arena) number(n float64) *structpb.Value {
	v := &numberValue{}
	v.kind.NumberValue = n
	v.value.Kind = &v.kind

	return &v.value
}

func (*arena) boolean(b bool) *structpb.Value {
	v := &boolValue{}
	v.kind.BoolValue = b
	v.value.Kind = &v.kind

	return &v.value
}

func (a *arena) mark() int { return len(a.fields) }

func (a *arena) push(name string, value *structpb.Value) {
	a.fields = append(a.fields, namedValue{name: name, value: value})
}

// objectFrom takes the fields from a mark on.
func (a *arena) objectFrom(mark int) *structpb.Value {
	fields := make(map[string]*structpb.Value, len(a.fields)-mark)
	for _, f := range a.fields[mark:] {
		fields[f.name] = f.value
	}

	a.fields = a.fields[:mark]

	return a.object(fields)
}
