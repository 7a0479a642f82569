package comfytest

import (
	"encoding/json"
	"slices"
)

// A graph is a prompt in the API's form: nodes by id. Ids are text, and those of
// nodes in subgraphs are compound, like 57:8.
type graph map[string]node

type node struct {
	class  class
	name   string
	inputs map[string]any
}

// A link is an input that comes from another node's output.
type link struct {
	from string
	slot int
}

// linkOf says whether an input is a link: a list of an id and a number.
func linkOf(v any) (link, bool) {
	l, ok := v.([]any)
	if !ok || len(l) != 2 {
		return link{}, false
	}

	id, isText := l[0].(string)
	n, isNumber := l[1].(json.Number)

	if !isText || !isNumber {
		return link{}, false
	}

	slot, err := n.Int64()

	return link{from: id, slot: int(slot)}, err == nil
}

// links are a node's, in the order of its class's inputs.
func (n node) links() []link {
	var out []link

	for _, in := range n.class.inputs {
		if l, ok := linkOf(n.inputs[in.name]); ok {
			out = append(out, l)
		}
	}

	return out
}

// An order is what is left to run of a graph. Nodes are taken as ComfyUI takes
// them: an output as soon as one can run, then what an output waits for.
type order struct {
	graph  graph
	cached map[string]result
	// waiting are ids in the order in which they were found.
	waiting []string
}

// newOrder finds what the outputs need that is not there from before.
func newOrder(g graph, cached map[string]result, outputs []string) *order {
	o := &order{graph: g, cached: cached}
	for _, id := range outputs {
		o.add(id)
	}

	return o
}

func (o *order) add(id string) {
	if slices.Contains(o.waiting, id) {
		return
	}

	o.waiting = append(o.waiting, id)

	if _, ok := o.cached[id]; ok {
		return
	}

	for _, l := range o.graph[id].links() {
		if _, ok := o.cached[l.from]; !ok {
			o.add(l.from)
		}
	}
}

// next takes the node that runs now.
func (o *order) next() (string, bool) {
	if len(o.waiting) == 0 {
		return "", false
	}

	free := slices.DeleteFunc(slices.Clone(o.waiting), o.blocked)
	id := free[0]

	for _, near := range []func(string) bool{o.isOutput, o.beforeOutput} {
		if i := slices.IndexFunc(free, near); i >= 0 {
			id = free[i]
			break
		}
	}

	o.waiting = slices.DeleteFunc(o.waiting, func(w string) bool { return w == id })

	return id, true
}

func (o *order) blocked(id string) bool {
	if _, ok := o.cached[id]; ok {
		return false
	}

	return slices.ContainsFunc(o.graph[id].links(), func(l link) bool { return slices.Contains(o.waiting, l.from) })
}

func (o *order) isOutput(id string) bool { return o.graph[id].class.output }

func (o *order) beforeOutput(id string) bool {
	return slices.ContainsFunc(o.waiting, func(w string) bool {
		return o.isOutput(w) && slices.ContainsFunc(o.graph[w].links(), func(l link) bool { return l.from == id })
	})
}

// signature is what a node's result depends on: its class, its inputs, and the
// same of all that it is linked to.
func (g graph) signature(id string) string {
	n := g[id]
	inputs := map[string]any{}

	for name, v := range n.inputs {
		if l, ok := linkOf(v); ok {
			v = []any{g.signature(l.from), l.slot}
		}

		inputs[name] = v
	}

	b, err := json.Marshal([]any{n.name, inputs})
	if err != nil {
		// All of it was read from JSON.
		panic(err)
	}

	return string(b)
}
