package cloud

import (
	"fmt"
	"time"
)

// A rule is what AWS does with one kind.
type rule struct {
	kind Kind
	// global kinds have no region: one name space per account.
	global bool
	// required arguments that no CRD schema enforces.
	required []string
	// identity is the id of a kind whose id the caller decides, from its name
	// and arguments; nil when AWS makes the id.
	identity func(c Call) string
	// create checks the arguments and fills id, ARN and attributes.
	create func(t *tx) error
	// made does what follows from the new resource elsewhere.
	made func(t *tx)
	// update checks new arguments; t.args are the new ones.
	update func(t *tx) error
	// remove does what AWS does beside the deletion, or refuses it.
	remove func(t *tx) error
	// read fills attributes that depend on other resources or on the state.
	read func(t *tx)
	// refused is the answer to a read of what the account may not read.
	refused func(t *tx) error
	// dependents must be gone before AWS deletes the resource.
	dependents []dependent
	// inUse is the refusal when a dependent exists.
	inUse func(t *tx, by *record) error
	// exists is the refusal when the id is taken; nil adopts, as a put does.
	exists func(t *tx) error
}

// A dependent holds another resource in place while it exists, and for a
// while after (network interfaces linger).
type dependent struct {
	kind   Kind
	path   string
	linger time.Duration
	// by is the value compared with; the id of the resource when nil.
	by func(r *record) string
}

// A tx is one call while it holds the lock.
type tx struct {
	*AWS

	call Call
	args Values
	now  time.Duration
	res  *record
}

// find returns the resource of the kind with the id in the call's region.
func (t *tx) find(k Kind, id string) *record {
	r := t.live[t.key(k, t.call.region(), id)]
	if r == nil || !r.exists(t.now) {
		return nil
	}
	return r
}

// each yields the existing resources of a kind, in the order of creation.
func (t *tx) each(k Kind) func(yield func(*record) bool) {
	return func(yield func(*record) bool) {
		for _, r := range t.records {
			if r.kind == k && r.exists(t.now) && r != t.res && !yield(r) {
				return
			}
		}
	}
}

// hex makes the random part of an id.
func (t *tx) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[t.rand.IntN(len(digits))]
	}
	return string(b)
}

// upper makes the random part of an id in capitals and digits.
func (t *tx) upper(n int) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[t.rand.IntN(len(digits))]
	}
	return string(b)
}

func (t *tx) uuid() string {
	return fmt.Sprintf("%s-%s-%s-%s-%s", t.hex(8), t.hex(4), t.hex(4), t.hex(4), t.hex(12))
}

// made gives the new resource an id with a prefix, as EC2 does.
func (t *tx) made(prefix string) string {
	t.res.id = prefix + "-" + t.hex(17)
	return t.res.id
}

// arnOf builds an ARN in the call's region and the account.
func (t *tx) arnOf(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, t.call.region(), t.account, resource)
}

func (t *tx) date() string { return t.clock.Wall().Format("2006-01-02T15:04:05Z") }

func (t *tx) missing() error {
	for _, path := range t.rules[t.call.Kind].required {
		if v := t.args.Get(path); v == nil || v == "" {
			return refuse("MissingParameter", "The request must contain the parameter %s", path)
		}
	}
	return nil
}

// held refuses a delete while a dependent exists.
func (t *tx) held() error {
	ru := t.rules[t.call.Kind]
	for _, d := range ru.dependents {
		want := t.res.id
		if d.by != nil {
			want = d.by(t.res)
		}
		for _, r := range t.records {
			if r.kind != d.kind || r == t.res || !r.observed().Overlay(r.holds).mentions(d.path, want) {
				continue
			}
			if r.exists(t.now) || t.now < r.gone+d.linger {
				return ru.inUse(t, r)
			}
		}
	}
	return nil
}
