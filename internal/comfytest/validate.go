package comfytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// longList is how many options are too many to be repeated in an error.
const longList = 20

// checked is what came of a validation.
type checked struct {
	graph   graph
	outputs []string
	nodes   map[string]*nodeRefusal
	refused *refusal
}

// validate checks a graph. Outputs that are sound run even where others are not.
func (s *Server) validate(raw any, targets []string, limited bool) checked {
	g, bad := s.parse(raw)
	if bad != nil {
		return checked{refused: bad}
	}

	var outputs []string

	for _, id := range sortedKeys(g) {
		if g[id].class.output && (!limited || slices.Contains(targets, id)) {
			outputs = append(outputs, id)
		}
	}

	if len(outputs) == 0 {
		return checked{refused: &refusal{Type: "prompt_no_outputs", Message: "Prompt has no outputs"}}
	}

	s.options.OutputOrder(outputs)

	out := checked{graph: g, nodes: map[string]*nodeRefusal{}}
	known := map[string]bool{}

	for _, id := range outputs {
		if s.sound(g, id, known, out.nodes) {
			out.outputs = append(out.outputs, id)
			continue
		}

		for bad, e := range out.nodes {
			if !slices.Contains(e.Dependent, id) && g.reaches(id, bad) {
				e.Dependent = append(e.Dependent, id)
			}
		}
	}

	if len(out.outputs) == 0 {
		out.refused = &refusal{Type: "prompt_outputs_failed_validation", Message: "Prompt outputs failed validation"}
	}

	return out
}

func (s *Server) parse(raw any) (graph, *refusal) {
	nodes, ok := raw.(map[string]any)
	if !ok {
		return nil, &refusal{Type: "invalid_prompt", Message: "Cannot execute because the prompt is no object."}
	}

	g := graph{}

	for _, id := range sortedKeys(nodes) {
		n, _ := nodes[id].(map[string]any)

		name, ok := n["class_type"].(string)
		if !ok {
			// A workflow as the page saves it has nodes and links where ids should be.
			return nil, s.noClass(id, "Cannot execute because a node is missing the class_type property.", "Node '"+id+"' has no class_type. The workflow may be corrupted or a custom node is missing.", "", "")
		}

		c, ok := classes[name]
		if !ok {
			title := name
			if m, ok := n["_meta"].(map[string]any); ok {
				if t, ok := m["title"].(string); ok {
					title = t
				}
			}

			return nil, s.noClass(id, "Cannot execute because node "+name+" does not exist.", "Node '"+title+"' not found. The custom node may not be installed.", name, title)
		}

		inputs, _ := n["inputs"].(map[string]any)
		g[id] = node{class: c, name: name, inputs: inputs}
	}

	return g, nil
}

// noClass is the error of a node whose class there is not, in the words of the
// release.
func (s *Server) noClass(id, old, current, class, title string) *refusal {
	if !s.current() {
		return &refusal{Type: "invalid_prompt", Message: old, Details: "Node ID '#" + id + "'"}
	}

	extra := map[string]any{"node_id": id, "class_type": nil, "node_title": nil}
	if class != "" {
		extra["class_type"], extra["node_title"] = class, title
	}

	return &refusal{Type: "missing_node_type", Message: current, Details: "Node ID '#" + id + "'", Extra: extra}
}

// reaches says whether a node is another, or needs it.
func (g graph) reaches(from, to string) bool {
	if from == to {
		return true
	}

	return slices.ContainsFunc(g[from].links(), func(l link) bool { return g.reaches(l.from, to) })
}

// sound checks a node and all that it needs.
func (s *Server) sound(g graph, id string, known map[string]bool, bad map[string]*nodeRefusal) bool {
	if ok, seen := known[id]; seen {
		return ok
	}

	n := g[id]
	before := true

	var errs []refusal

	for _, in := range n.class.inputs {
		if e := s.checkInput(g, n, in); e != nil {
			errs = append(errs, *e)
		} else if l, ok := linkOf(n.inputs[in.name]); ok {
			before = s.sound(g, l.from, known, bad) && before
		}
	}

	if e := s.checkNode(n); len(errs) == 0 && e != nil {
		errs = append(errs, *e)
	}

	if len(errs) > 0 {
		bad[id] = &nodeRefusal{Errors: errs, Dependent: []string{}, Class: n.name}
	}

	known[id] = len(errs) == 0 && before

	return known[id]
}

// checkInput checks one input, without what it is linked to.
func (s *Server) checkInput(g graph, n node, in input) *refusal {
	v, given := n.inputs[in.name]

	switch v.(type) {
	case nil:
		if given || in.optional {
			return nil
		}

		return &refusal{"required_input_missing", "Required input is missing", in.name, map[string]any{"input_name": in.name}}
	case []any:
		return g.checkLink(n, in, v)
	}

	return s.checkValue(in, v)
}

func (s *Server) checkNode(n node) *refusal {
	if n.class.check == nil {
		return nil
	}

	name, why := n.class.check(s, n.inputs)
	if why == "" {
		return nil
	}

	return &refusal{"custom_validation_failed", "Custom validation failed for node", name + " - " + why, map[string]any{"input_name": name}}
}

// checkLink checks what an input is linked to. A node that there is not is an
// exception in ComfyUI, told by its id and nothing else.
func (g graph) checkLink(n node, in input, v any) *refusal {
	extra := map[string]any{"input_name": in.name, "input_config": in.config(nil)}

	l, ok := linkOf(v)
	if !ok {
		extra["received_value"] = v
		return &refusal{"bad_linked_input", "Bad linked input, must be a length-2 list of [node_id, slot_index]", in.name, extra}
	}

	from, ok := g[l.from]
	if !ok || l.slot < 0 || l.slot >= len(from.class.outputs) {
		if n.class.output {
			return &refusal{"exception_during_validation", "Exception when validating node", python(l.from), map[string]any{"exception_type": "KeyError", "traceback": []string{}}}
		}

		return &refusal{"exception_during_inner_validation", "Exception when validating inner node", python(l.from), extra}
	}

	if got := from.class.outputs[l.slot]; in.kind != kindAny && got != in.kind {
		extra["received_type"], extra["linked_node"] = got, v
		return &refusal{"return_type_mismatch", "Return type mismatch between linked nodes", fmt.Sprintf("%s, received_type(%s) mismatch input_type(%s)", in.name, got, in.kind), extra}
	}

	return nil
}

func (s *Server) checkValue(in input, v any) *refusal {
	extra := map[string]any{"input_name": in.name, "input_config": in.config(nil), "received_value": v}

	switch in.kind {
	case kindInt, kindFloat:
		f, ok := numberOf(v)
		if !ok {
			extra["exception_message"] = "invalid literal: " + python(v)
			return &refusal{"invalid_input_type", "Failed to convert an input value to a " + in.kind + " value", fmt.Sprintf("%s, %v, invalid literal", in.name, v), extra}
		}

		if f < in.least {
			return &refusal{"value_smaller_than_min", fmt.Sprintf("Value %v smaller than min of %v", v, in.least), in.name, extra}
		}

		if in.most > 0 && f > in.most {
			return &refusal{"value_bigger_than_max", fmt.Sprintf("Value %v bigger than max of %v", v, in.most), in.name, extra}
		}
	case kindList:
		options := in.options(s)
		if slices.Contains(options, fmt.Sprint(v)) {
			return nil
		}

		extra["input_config"] = in.config(options)
		details := in.name + ": " + python(v) + " not in " + python(options)

		if len(options) > longList {
			extra["input_config"] = nil
			details = fmt.Sprintf("%s: %s not in (list of length %d)", in.name, python(v), len(options))
		}

		return &refusal{"value_not_in_list", "Value not in list", details, extra}
	}

	return nil
}

func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case string:
		// Python's int() and float() take text.
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	case bool:
		return 0, true
	}

	return 0, false
}
