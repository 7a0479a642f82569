package prompt

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const longSeed = "18446744073709551615"

func TestIDs(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	tag := TagOf("8f14e45f-ceea-467f-ab0c-0f5b3c1d2e3f")
	id := Mint(key, tag)

	if !Canonical(id) || id[14] != '8' {
		t.Errorf("Mint(...): %s is no UUID of version 8", id)
	}

	if got, ok := Made([][]byte{other, key}, id); !ok || got != tag {
		t.Errorf("Made(...): want %s, got %s %t", tag, got, ok)
	}

	if id == Mint(key, tag) {
		t.Error("two prompts have one id")
	}

	// Whoever writes a tag into an id of their own gets nowhere with it.
	forged := id[:35] + map[bool]string{true: "0", false: "1"}[id[35] != '0']

	for reason, bad := range map[string]string{
		"another's mark": id, "a changed mark": forged, "a client's own": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "capitals": "6BA7B810-9DAD-41D1-80B4-00C04FD430C8", "nothing": "",
	} {
		keys := [][]byte{key}
		if bad == id {
			keys = [][]byte{other}
		}

		if _, ok := Made(keys, bad); ok {
			t.Errorf("%s (%q) is taken for ours", reason, bad)
		}
	}

	if got, ok := ParseTag(tag.String()); !ok || got != tag {
		t.Errorf("ParseTag(%s): got %s %t", tag, got, ok)
	}
}

func TestBody(t *testing.T) {
	const id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

	cases := map[string]struct {
		reason   string
		in       string
		wantID   string
		client   string
		out      string
		refused  bool
		compared bool
	}{
		"Plain":     {reason: "An id is added, and nothing changes.", in: `{"prompt": {"1": {"seed": ` + longSeed + `}}, "client_id":"me"}`, client: "me", out: `{"prompt_id":"` + id + `","prompt":{"1": {"seed": ` + longSeed + `}},"client_id":"me"}`},
		"Null":      {reason: "No id is none.", in: `{"prompt_id":null,"a":1.0}`, out: `{"prompt_id":"` + id + `","a":1.0}`},
		"Given":     {reason: "A client's own stays.", in: `{"prompt_id":"` + id + `"}`, wantID: id, out: `{"prompt_id":"` + id + `"}`},
		"Twice":     {reason: "The last of two counts, as in Python.", in: `{"prompt_id":"` + id + `","prompt_id":null}`, out: `{"prompt_id":"` + id + `"}`},
		"Empty":     {reason: "An object may be empty.", in: `{}`, out: `{"prompt_id":"` + id + `"}`},
		"Client":    {reason: "A client id that is no text names no socket.", in: `{"client_id":7}`, out: `{"prompt_id":"` + id + `","client_id":7}`},
		"Capitals":  {reason: "ComfyUI compares letter by letter.", in: `{"prompt_id":"6BA7B810-9DAD-41D1-80B4-00C04FD430C8"}`, refused: true},
		"Number":    {reason: "An id is text.", in: `{"prompt_id":7}`, refused: true},
		"List":      {reason: "A prompt is an object.", in: `[]`, refused: true},
		"Cut":       {reason: "It comes whole.", in: `{"a":1`, refused: true},
		"Following": {reason: "And alone.", in: `{} {}`, refused: true},
		"Nothing":   {reason: "And is something.", in: ``, refused: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			b, err := Parse([]byte(tc.in))
			if (err != nil) != tc.refused {
				t.Fatalf("%s\nParse(%s): %v", tc.reason, tc.in, err)
			}

			if tc.refused {
				return
			}

			if diff := cmp.Diff([]string{tc.wantID, tc.client, tc.out}, []string{b.ID, b.ClientID, string(b.With(id))}); diff != "" {
				t.Errorf("%s\nParse(%s): -want, +got:\n%s", tc.reason, tc.in, diff)
			}
		})
	}
}

// FuzzBody holds that what a server reads differs from what a client wrote by the
// id alone.
func FuzzBody(f *testing.F) {
	const id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

	for _, in := range []string{`{}`, `{"prompt":{"1":{"seed":` + longSeed + `}}}`, `{"prompt_id":null}`, `{"a":1,"a":2}`, `{"\u0070rompt_id":null}`, `{"a":"\ud800"}`} {
		f.Add(in)
	}

	f.Fuzz(func(t *testing.T, in string) {
		b, err := Parse([]byte(in))
		if err != nil {
			return
		}

		var was, is map[string]json.RawMessage
		if err := json.Unmarshal([]byte(in), &was); err != nil {
			t.Fatalf("Parse(%q) takes what is no object: %v", in, err)
		}

		out := b.With(id)
		if err := json.Unmarshal(out, &is); err != nil {
			t.Fatalf("With(...) of %q: %q is no object: %v", in, out, err)
		}

		if string(is["prompt_id"]) != `"`+id+`"` {
			t.Errorf("With(...) of %q: the id is %s", in, is["prompt_id"])
		}

		delete(was, "prompt_id")
		delete(is, "prompt_id")

		if diff := cmp.Diff(was, is); diff != "" {
			t.Errorf("With(...) of %q: -want, +got:\n%s", in, diff)
		}
	})
}
