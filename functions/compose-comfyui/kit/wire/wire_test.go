package wire_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/function-sdk-go/resource"
	"github.com/crossplane/function-sdk-go/resource/composed"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire/wiretest"
)

// everything is an object with a field of each sort there is.
type everything struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"` //nolint:modernize // One of the two encoders heeds it.

	Spec struct {
		Sorts

		Omitted   omitted `json:"omitted"`
		Empty     Sorts   `json:"empty,omitempty"` //nolint:modernize // One of the two encoders heeds it.
		Recursion *tree   `json:"recursion,omitempty"`
		Ignored   string  `json:"-"`
		Unnamed   string
	} `json:"spec"`
	Status Sorts `json:"status,omitempty"` //nolint:modernize // One of the two encoders heeds it.
}

// Sorts is exported because the SDK embeds no other.
type Sorts struct {
	Text     string            `json:"text"`
	Texts    []string          `json:"texts"`
	Pointers []*string         `json:"pointers"`
	Labels   map[string]string `json:"labels"`
	Tags     map[named]*string `json:"tags"`
	Counts   map[string]int32  `json:"counts"`
	Yes      bool              `json:"yes"`
	Whole    int64             `json:"whole"`
	Natural  uint16            `json:"natural"`
	Real     float64           `json:"real"`
	Bytes    []byte            `json:"bytes"`
	Any      any               `json:"any"`
	Time     metav1.Time       `json:"time"`
	Size     apiresource.Quantity
	Port     *intstr.IntOrString `json:"port"`
	Upper    upper               `json:"upper"`
}

type omitted struct {
	Text   string             `json:"text,omitempty"`
	Texts  []string           `json:"texts,omitempty"`
	Labels map[string]*string `json:"labels,omitempty"`
	Yes    bool               `json:"yes,omitempty"`
	Whole  *int64             `json:"whole,omitempty"`
	Named  *named             `json:"named,omitempty"`
	Struct struct {
		Text *string `json:"text,omitempty"`
	} `json:"struct,omitempty"` //nolint:modernize // One of the two encoders heeds it.
	Pointer *struct {
		Text *string `json:"text,omitempty"`
	} `json:"pointer,omitempty"`
	Time  metav1.Time  `json:"time,omitempty"` //nolint:modernize // One of the two encoders heeds it.
	Zero  metav1.Time  `json:"zero,omitzero"`
	Count int          `json:"count,omitempty,omitzero"`
	Later *metav1.Time `json:"later,omitempty"`
	Any   any          `json:"any,omitempty"`
}

type named string

type tree struct {
	Children []tree `json:"children,omitempty"`
	Parent   *tree  `json:"parent,omitempty"`
	Name     string `json:"name"`
}

// upper marshals itself as text.
type upper string

func (u upper) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(u))), nil }

func (e *everything) DeepCopyObject() runtime.Object { c := *e; return &c }

func init() {
	composed.Scheme.AddKnownTypeWithName(schema.GroupVersionKind{Group: "test", Version: "v1", Kind: "Everything"}, &everything{})
}

// TestIntent holds the encoder to the SDK's way through JSON.
func TestIntent(t *testing.T) {
	encoder := wire.Intent("metadata.generation")

	for seed := range uint64(500) {
		o := &everything{}
		wiretest.Fill(rand.New(rand.NewPCG(seed, 0)), o)

		u, err := composed.From(o)
		if err != nil {
			t.Fatal(err)
		}

		want, err := resource.AsStruct(u)
		if err != nil {
			t.Fatal(err)
		}

		got, err := encoder.Struct(o)
		if err != nil {
			t.Fatalf("seed %d: Struct(...): %v", seed, err)
		}

		// The SDK leaves out metadata that says nothing; the kit's always has a name.
		if len(wire.Get(got, "metadata").GetStructValue().GetFields()) == 0 {
			delete(got.GetFields(), "metadata")
		}

		if !proto.Equal(want, got) {
			t.Fatalf("seed %d: Struct(...): -want, +got:\n%s", seed, cmp.Diff(want.AsMap(), got.AsMap()))
		}
	}
}

// TestStandard holds the encoder to encoding/json.
func TestStandard(t *testing.T) {
	encoder := wire.Standard()

	for seed := range uint64(500) {
		o := &everything{}
		wiretest.Fill(rand.New(rand.NewPCG(seed, 1)), o)

		b, err := json.Marshal(o) //nolint:musttag // Fields without a tag are a case.
		if err != nil {
			t.Fatal(err)
		}

		want := map[string]any{}
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}

		got, err := encoder.Struct(o)
		if err != nil {
			t.Fatalf("seed %d: Struct(...): %v", seed, err)
		}

		if diff := cmp.Diff(want, got.AsMap()); diff != "" {
			t.Fatalf("seed %d: Struct(...): -want, +got:\n%s", seed, diff)
		}
	}
}

// TestWithout leaves out what was asked for and nothing of the same name elsewhere.
func TestWithout(t *testing.T) {
	type spec struct {
		Status string `json:"status"`
		Name   string `json:"name"`
	}

	type object struct {
		Spec   spec   `json:"spec"`
		Status string `json:"status"`
		Name   string `json:"name"`
	}

	got, err := wire.Intent("status", "spec.name").Struct(&object{Spec: spec{Status: "a", Name: "b"}, Status: "c", Name: "d"})
	if err != nil {
		t.Fatal(err)
	}

	want := map[string]any{"spec": map[string]any{"status": "a"}, "name": "d"}
	if diff := cmp.Diff(want, got.AsMap()); diff != "" {
		t.Errorf("Struct(...): -want, +got:\n%s", diff)
	}
}

type inner struct {
	A string `json:"a"`
}

type self struct{ err error }

func (s self) MarshalWire() (*structpb.Value, error) { return structpb.NewStringValue("self"), s.err }

func TestStrict(t *testing.T) {
	cases := map[string]struct {
		reason string
		object any
		want   string
	}{
		"Channel":  {reason: "JSON has no channels.", object: &struct{ C chan int }{}, want: "cannot encode chan int: there is no JSON of it"},
		"Keys":     {reason: "Keys are texts.", object: &struct{ M map[int]string }{}, want: "cannot encode map[int]string: its keys are no strings"},
		"Duration": {reason: "Encoders disagree on it.", object: &struct{ D time.Duration }{}, want: "cannot encode time.Duration: take metav1.Duration"},
		"Twice": {
			reason: "Encoders disagree on who wins.",
			object: &struct {
				inner

				A string `json:"a"`
			}{},
			want: `it has two fields a`,
		},
		"Quoted": {
			reason: "It is written as a text.",
			object: &struct {
				A int `json:"a,string"`
			}{},
			want: "a number that is written as a string",
		},
		"Infinite": {reason: "JSON has no such number.", object: &struct{ F float64 }{math.Inf(1)}, want: "cannot encode +Inf: JSON has no such number"},
		"Text":     {reason: "Protobuf takes UTF-8 only.", object: &struct{ S string }{"\xff"}, want: `cannot encode "\xff": it is no UTF-8`},
		"Labels":   {reason: "In maps as well.", object: &struct{ M map[string]string }{map[string]string{"a": "\xff"}}, want: `cannot encode "a": "\xff": it is no UTF-8`},
		"NoObject": {reason: "A struct is asked for.", object: new("text"), want: "cannot encode *string: it is no object"},
		"Itself":   {reason: "What cannot encode itself says why.", object: &struct{ S self }{self{errors.New("boom")}}, want: "boom"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := wire.Standard().Struct(tc.object)
			if err == nil || !strings.HasSuffix(err.Error(), tc.want) {
				t.Errorf("%s\nStruct(...): want error %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

// TestDecode reads back what was encoded, as encoding/json reads it.
func TestDecode(t *testing.T) {
	for seed := range uint64(500) {
		o := &everything{}
		wiretest.Fill(rand.New(rand.NewPCG(seed, 2)), o)

		s, err := wire.Standard().Struct(o)
		if err != nil {
			t.Fatal(err)
		}

		want, got := &everything{}, &everything{}

		b, err := json.Marshal(s.AsMap())
		if err != nil {
			t.Fatal(err)
		}

		wantErr := json.Unmarshal(b, want) //nolint:musttag // As above.

		if err := wire.Decode(structpb.NewStructValue(s), got); (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("seed %d: Decode(...): want error %v, got %v", seed, wantErr, err)
		}

		if !reflect.DeepEqual(want, got) {
			t.Fatalf("seed %d: Decode(...): -want, +got:\n%s", seed, cmp.Diff(want, got))
		}
	}
}

func TestDecodeUnfit(t *testing.T) {
	type into struct {
		Text   string         `json:"text"`
		Small  int8           `json:"small"`
		Large  int64          `json:"large"`
		Sizes  map[string]int `json:"sizes"`
		Bytes  []byte         `json:"bytes"`
		Struct struct {
			Yes bool `json:"yes"`
		} `json:"struct"`
	}

	cases := map[string]struct {
		reason string
		from   map[string]any
		want   into
		err    string
	}{
		"Unknown":  {reason: "What nobody asks for is left alone.", from: map[string]any{"other": 1, "text": "a"}, want: into{Text: "a"}},
		"Null":     {reason: "Null says nothing.", from: map[string]any{"text": nil, "sizes": nil}},
		"Bytes":    {reason: "Bytes are base64.", from: map[string]any{"bytes": "YQ=="}, want: into{Bytes: []byte("a")}},
		"Type":     {reason: "The words are those of encoding/json.", from: map[string]any{"text": 7}, err: "json: cannot unmarshal number into Go struct field into.text of type string"},
		"Deep":     {reason: "Wherever it is.", from: map[string]any{"struct": map[string]any{"yes": "no"}}, err: "json: cannot unmarshal string into Go struct field .struct.yes of type bool"},
		"List":     {reason: "A list is no struct.", from: map[string]any{"struct": []any{}}, err: "json: cannot unmarshal array into Go struct field into.struct of type struct { Yes bool \"json:\\\"yes\\\"\" }"},
		"Fraction": {reason: "Half is no whole number.", from: map[string]any{"large": 0.5}, err: "json: cannot unmarshal number 0.5 into Go struct field into.large of type int64"},
		"TooLarge": {reason: "Nor is a number taken that does not fit.", from: map[string]any{"small": 300}, err: "json: cannot unmarshal number 300 into Go struct field into.small of type int8"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := structpb.NewStruct(tc.from)
			if err != nil {
				t.Fatal(err)
			}

			got, message := into{}, ""
			if err := wire.Decode(structpb.NewStructValue(s), &got); err != nil {
				got, message = into{}, err.Error()
			}

			if diff := cmp.Diff(tc.err, message); diff != "" {
				t.Errorf("%s\nDecode(...): error: -want, +got:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nDecode(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}

	if err := wire.Decode(structpb.NewNullValue(), into{}); err == nil {
		t.Error("Decode(...): what is no pointer cannot be read into, want an error")
	}
}

func TestGet(t *testing.T) {
	s, err := structpb.NewStruct(map[string]any{"apiVersion": "v1", "kind": "Secret", "a": map[string]any{"b": "c"}})
	if err != nil {
		t.Fatal(err)
	}

	for path, want := range map[string]string{"a b": "c", "a": "", "a b c": "", "x y": "", "a x": ""} {
		if got := wire.String(s, strings.Fields(path)...); got != want {
			t.Errorf("String(%s): want %q, got %q", path, want, got)
		}
	}

	if apiVersion, kind := wire.Kind(s); apiVersion != "v1" || kind != "Secret" {
		t.Errorf("Kind(...): got %s, %s", apiVersion, kind)
	}

	if v := wire.Get(nil, "a"); v != nil {
		t.Errorf("Get(...): nothing holds nothing, got %v", v)
	}
}
