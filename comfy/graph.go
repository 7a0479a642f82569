package comfy

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// A Graph is a workflow in the API's form: nodes by their ids. All that is not
// changed stays as it is written: a seed has up to twenty digits, and a float has not.
type Graph map[string]Node

// A Node is one step of a graph.
type Node struct {
	Class  string
	Inputs map[string]json.RawMessage
	// rest is what else is said of a node, such as its title.
	rest map[string]json.RawMessage
}

// ErrPageForm is of a workflow as the page saves it, which a server does not take.
var ErrPageForm = errors.New("this is a workflow as the page saves it, which servers do not run: open it in ComfyUI and export it with File > Export (API)")

// ParseGraph reads a workflow in the API's form: as ComfyUI exports it, as it is
// posted with the graph under "prompt", or from the PNG that it made.
func ParseGraph(b []byte) (Graph, error) {
	if bytes.HasPrefix(b, pngHead) {
		text, err := pngText(b, "prompt")
		if err != nil {
			return nil, err
		}

		b = text
	}

	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), &members); err != nil {
		return nil, fmt.Errorf("cannot read the workflow: it is neither a JSON object nor a PNG: %w", err)
	}

	if isList(members["nodes"]) {
		return nil, ErrPageForm
	}

	if inner, ok := members["prompt"]; ok && !isNode(inner) {
		members = map[string]json.RawMessage{}
		if err := json.Unmarshal(inner, &members); err != nil {
			return nil, fmt.Errorf("cannot read the workflow under \"prompt\": %w", err)
		}
	}

	if len(members) == 0 {
		return nil, errors.New("cannot read the workflow: it has no nodes")
	}

	g := Graph{}

	for id, raw := range members {
		if !isNode(raw) {
			return nil, fmt.Errorf("cannot read the workflow: %q is no node, as it has no class_type", id)
		}

		var n Node
		if err := json.Unmarshal(raw, &n); err != nil {
			return nil, fmt.Errorf("cannot read node %s: %w", id, err)
		}

		g[id] = n
	}

	return g, nil
}

// UnmarshalJSON reads a node.
func (n *Node) UnmarshalJSON(b []byte) error {
	rest := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &rest); err != nil {
		return err
	}

	n.Inputs = map[string]json.RawMessage{}
	if err := json.Unmarshal(rest["class_type"], &n.Class); err != nil {
		return err
	}

	if raw, ok := rest["inputs"]; ok {
		if err := json.Unmarshal(raw, &n.Inputs); err != nil {
			return err
		}
	}

	delete(rest, "class_type")
	delete(rest, "inputs")
	n.rest = rest

	return nil
}

// MarshalJSON writes a node.
func (n Node) MarshalJSON() ([]byte, error) {
	inputs := n.Inputs
	if inputs == nil {
		inputs = map[string]json.RawMessage{}
	}

	class, err := encode(n.Class)
	if err != nil {
		return nil, err
	}

	in, err := encode(inputs)
	if err != nil {
		return nil, err
	}

	all := map[string]json.RawMessage{}
	maps.Copy(all, n.rest)
	all["class_type"], all["inputs"] = class, in

	return encode(all)
}

// Title is what people call a node.
func (n Node) Title() string {
	meta := struct {
		Title string `json:"title"`
	}{}
	if raw, ok := n.rest["_meta"]; ok && json.Unmarshal(raw, &meta) == nil && meta.Title != "" {
		return meta.Title
	}

	return n.Class
}

// Clone is a graph that can be changed by itself.
func (g Graph) Clone() Graph {
	out := Graph{}
	for id, n := range g {
		n.Inputs = maps.Clone(n.Inputs)
		out[id] = n
	}

	return out
}

// IDs are the ids of the nodes, in their order.
func (g Graph) IDs() []string { return slices.Sorted(maps.Keys(g)) }

// Set gives an input a value. The place is NODE.INPUT; a node is named by its id
// or, where no other has it, by its title or class.
func (g Graph) Set(place string, value any) error {
	i := strings.LastIndex(place, ".")
	if i <= 0 || i == len(place)-1 {
		return fmt.Errorf("cannot set %q: it must be like 6.text", place)
	}

	id, err := g.find(place[:i])
	if err != nil {
		return fmt.Errorf("cannot set %s: %w", place, err)
	}

	input := place[i+1:]

	before, ok := g[id].Inputs[input]
	if !ok {
		return fmt.Errorf("cannot set %s: node %s (%s) has the inputs %s", place, id, g[id].Class, strings.Join(slices.Sorted(maps.Keys(g[id].Inputs)), ", "))
	}

	// A value that is no JSON is text; so is any for an input that was text.
	raw, isRaw := value.(json.RawMessage)
	if isRaw && (!json.Valid(raw) || (len(before) > 0 && before[0] == '"' && raw[0] != '"')) {
		value = string(raw)
	}

	b, err := encode(value)
	if err != nil {
		return fmt.Errorf("cannot set %s: %w", place, err)
	}

	g[id].Inputs[input] = b

	return nil
}

func (g Graph) find(name string) (string, error) {
	if _, ok := g[name]; ok {
		return name, nil
	}

	var found []string

	for _, id := range g.IDs() {
		if g[id].Title() == name || g[id].Class == name {
			found = append(found, id)
		}
	}

	switch len(found) {
	case 0:
		return "", fmt.Errorf("the workflow has no node %q, but %s", name, strings.Join(g.IDs(), ", "))
	case 1:
		return found[0], nil
	}

	return "", fmt.Errorf("the nodes %s are all called %q: use an id", strings.Join(found, ", "), name)
}

// seeds are the names that inputs for seeds have.
var seeds = []string{"seed", "noise_seed"} //nolint:gochecknoglobals // A list that Go has no const for.

// mostSeed is the largest that every node takes.
const mostSeed = 1<<63 - 1

// Seed gives all seeds that are not linked to other nodes one value, and returns
// how many there are.
func (g Graph) Seed(seed uint64) int {
	n := 0

	for _, node := range g {
		for _, name := range seeds {
			if raw, ok := node.Inputs[name]; ok && !isList(raw) {
				node.Inputs[name] = fmt.Append(nil, seed)
				n++
			}
		}
	}

	return n
}

// RandomSeed is one that every node takes.
func RandomSeed() (uint64, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(mostSeed))
	if err != nil {
		return 0, fmt.Errorf("cannot choose a seed: %w", err)
	}

	return n.Uint64(), nil
}

func isList(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '[' }

func isNode(raw json.RawMessage) bool {
	n := struct {
		Class *string `json:"class_type"`
	}{}

	return json.Unmarshal(raw, &n) == nil && n.Class != nil
}

// encode leaves <, > and & as they are, since people read graphs.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer

	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)

	if err := e.Encode(v); err != nil {
		return nil, err
	}

	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
