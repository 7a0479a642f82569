package prompt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Body is what a client posts, taken apart no further than its own names. All
// values stay as they are written: seeds have up to twenty digits, and a float has
// not.
type Body struct {
	// ID is what the client calls its prompt, or empty.
	ID string
	// ClientID names the socket that hears of the prompt.
	ClientID string
	rest     []member
}

type member struct {
	name  string
	value json.RawMessage
}

// Parse reads a body.
func Parse(b []byte) (*Body, error) {
	d := json.NewDecoder(bytes.NewReader(b))

	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("cannot read the prompt: it is no JSON object")
	}

	out := &Body{}

	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("cannot read the prompt: %w", err)
		}

		name, _ := t.(string)

		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("cannot read the prompt: %w", err)
		}

		if err := out.take(name, value); err != nil {
			return nil, err
		}
	}

	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("cannot read the prompt: %w", err)
	}

	// A brace is nothing more to the decoder, and something to us.
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("cannot read the prompt: something follows it")
	}

	return out, nil
}

// take keeps a member. Of two of one name the last counts, as in Python.
func (b *Body) take(name string, value json.RawMessage) error {
	switch name {
	case "prompt_id":
		b.ID = ""
		if string(value) == "null" {
			return nil
		}

		if json.Unmarshal(value, &b.ID) != nil || !Canonical(b.ID) {
			return errors.New("cannot take the prompt_id: it must be a UUID in small letters; leave it out to be given one")
		}

		return nil
	case "client_id":
		b.ClientID = ""
		// Whatever else it is, it names no socket.
		_ = json.Unmarshal(value, &b.ClientID)
	}

	b.rest = append(b.rest, member{name, value})

	return nil
}

// With writes the body with an id. Nothing else in it changes.
func (b *Body) With(id string) []byte {
	size := len(id) + 20
	for _, m := range b.rest {
		size += len(m.name) + len(m.value) + 8
	}

	out := bytes.NewBuffer(make([]byte, 0, size))
	out.WriteString(`{"prompt_id":"` + id + `"`)

	for _, m := range b.rest {
		name, err := json.Marshal(m.name)
		if err != nil {
			// Text always marshals.
			panic(err)
		}

		out.WriteByte(',')
		out.Write(name)
		out.WriteByte(':')
		out.Write(m.value)
	}

	out.WriteByte('}')

	return out.Bytes()
}
