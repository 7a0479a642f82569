package kit

import "slices"

// A Gate holds a resource back until what it needs is there.
type Gate struct {
	after  []Key  // resources that must be Ready first: order only
	values []need // values that the object cannot be composed without
	until  []need // what must have happened first: order only
}

type need struct {
	what string
	have bool
}

// After is an order gate: it opens when every one of keys is Ready. A resource
// that exists is composed whether or not the gate is open.
func After(keys ...Key) Gate {
	return Gate{after: slices.Clone(keys)}
}

// Needs is a value gate: it opens when value is known. What names the value for
// people, as in "the account id". A resource that exists and whose value is
// lost is an error: composing it without would take the field from the live
// resource.
func Needs(value, what string) Gate {
	return Gate{values: []need{{what: what, have: value != ""}}}
}

// Until is an order gate on what no resource's readiness tells: it opens when
// happened holds. What names it for people, as in "our own image in the account".
// A resource that exists is composed whether or not it still holds.
func Until(happened bool, what string) Gate {
	return Gate{until: []need{{what: what, have: happened}}}
}

// All opens when every one of gates is open.
func All(gates ...Gate) Gate {
	out := Gate{}
	for _, g := range gates {
		out.after = append(out.after, g.after...)
		out.values = append(out.values, g.values...)
		out.until = append(out.until, g.until...)
	}

	return out
}

// lost are the values that the gate needs and does not have.
func (g Gate) lost() []string { return missing(g.values) }

// awaited is what the gate waits for and what has not happened.
func (g Gate) awaited() []string { return missing(g.until) }

func missing(needs []need) []string {
	var out []string

	for _, v := range needs {
		if !v.have {
			out = append(out, v.what)
		}
	}

	return out
}
