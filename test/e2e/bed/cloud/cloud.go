package cloud

import (
	"math/rand/v2"
	"sync"
	"time"
)

// DefaultAccountID is the account of the golden data.
const DefaultAccountID = "123456789012"

// Options configure an AWS.
type Options struct {
	// Scale is the number of simulated seconds in a real second; 1 when zero.
	Scale float64
	// AccountID is the account everything is made in.
	AccountID string
	// Seed makes the ids that AWS draws repeatable.
	Seed uint64
	// ForeignBuckets are bucket names that other accounts own.
	ForeignBuckets []string
}

// AWS is an account, as far as a studio uses it.
type AWS struct {
	clock   Clock
	account string
	foreign []string
	rules   map[Kind]rule

	mu      sync.Mutex
	rand    *rand.Rand
	live    map[string]*record
	records []*record
	calls   map[callKey]*CallCount
	faults  []*activeFault
	// schedules and running builds go on by themselves; builds are all there were.
	schedules []*record
	running   []*run
	builds    []*run
	// changed is closed and replaced when something changed that nobody's
	// clock tells: a fault, or a delete.
	changed chan struct{}
}

// New makes an empty account.
func New(o Options) *AWS {
	if o.AccountID == "" {
		o.AccountID = DefaultAccountID
	}
	return &AWS{
		clock:   NewClock(o.Scale),
		account: o.AccountID,
		foreign: o.ForeignBuckets,
		rules:   rules(),
		rand:    rand.New(rand.NewPCG(o.Seed, 1)), //nolint:gosec // ids need to be repeatable, not secret
		live:    map[string]*record{},
		calls:   map[callKey]*CallCount{},
		changed: make(chan struct{}),
	}
}

// Clock is the account's simulated clock.
func (a *AWS) Clock() Clock { return a.clock }

// AccountID is the account everything is made in.
func (a *AWS) AccountID() string { return a.account }

// Knows tells whether there is a rule for the kind.
func (a *AWS) Knows(k Kind) bool {
	_, ok := a.rules[k]
	return ok
}

// Identity is the id of the resource the call means, when the caller's name
// and arguments decide it. It is false when AWS makes the ids of the kind.
func (a *AWS) Identity(c Call) (string, bool) {
	ru, ok := a.rules[c.Kind]
	if !ok || ru.identity == nil {
		return "", false
	}
	c.account = a.account
	return ru.identity(c), true
}

// Create asks AWS to make a resource. It returns as soon as AWS has accepted;
// Await waits until it is usable.
func (a *AWS) Create(c Call) (Resource, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.Args = c.Args.Copy()
	res, err := a.create(c)
	a.count(c, OpCreate, err)
	return res, err
}

func (a *AWS) create(c Call) (Resource, error) {
	now := a.clock.Now()
	a.advance(now)
	c.account = a.account
	if err := a.injected(c, OpCreate, now); err != nil {
		return Resource{}, err
	}
	ru := a.rules[c.Kind]
	res := &record{
		kind: c.Kind, name: c.Name, region: c.region(), args: c.Args, attrs: Values{},
		owner: c.Owner, created: now,
	}
	t := &tx{AWS: a, call: c, args: c.Args, now: now, res: res}
	if err := t.missing(); err != nil {
		return Resource{}, err
	}
	if ru.identity != nil {
		res.id = ru.identity(c)
		if old := t.find(c.Kind, res.id); old != nil {
			if ru.exists == nil {
				return a.put(c, ru, old, now)
			}
			return Resource{}, ru.exists(t)
		}
	}
	if err := ru.create(t); err != nil {
		return Resource{}, err
	}
	took := DurationsOf(c.Kind).Create
	res.took = took
	res.active = max(res.notBefore, a.stretched(c, OpCreate, now, took))
	if res.waiting {
		res.active = Never
	}
	a.add(res)
	if ru.made != nil {
		ru.made(t)
	}
	return res.view(now), nil
}

// put is a create of something that exists, where the API is a put.
func (a *AWS) put(c Call, ru rule, old *record, now time.Duration) (Resource, error) {
	t := &tx{AWS: a, call: c, args: c.Args, now: now, res: old}
	if ru.update != nil {
		if err := ru.update(t); err != nil {
			return Resource{}, err
		}
	}
	old.args, old.owner, old.retained, old.nobodys = c.Args, c.Owner, false, false
	return old.view(now), nil
}

func (a *AWS) add(r *record) {
	a.live[a.key(r.kind, r.region, r.id)] = r
	a.records = append(a.records, r)
}

func (a *AWS) key(k Kind, region, id string) string {
	if a.rules[k].global {
		region = ""
	}
	return k.Service + "/" + k.Name + "/" + region + "/" + id
}

// Read describes a resource. The caller becomes its owner: a resource that
// was kept when its managed resource went is adopted by the one that finds it.
func (a *AWS) Read(c Call) (Resource, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	res, err := a.read(c, false)
	a.count(c, OpObserve, err)
	return res, err
}

// Visit describes a resource that somebody else owns.
func (a *AWS) Visit(c Call) (Resource, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.read(c, true)
}

func (a *AWS) read(c Call, visit bool) (Resource, error) {
	now := a.clock.Now()
	a.advance(now)
	if err := a.injected(c, OpObserve, now); err != nil {
		return Resource{}, err
	}
	t := &tx{AWS: a, call: c, args: c.Args, now: now}
	ru := a.rules[c.Kind]
	if ru.refused != nil {
		if err := ru.refused(t); err != nil {
			return Resource{}, err
		}
	}
	r := t.find(c.Kind, c.ID)
	if r == nil {
		return Resource{}, notFound(c)
	}
	if !visit && r.owner != c.Owner && !r.retained && !r.nobodys && ru.exists != nil {
		// The real provider takes over a resource of the same name that
		// another managed resource owns, and the two fight. Here the name is
		// taken: a create follows and AWS refuses it.
		return Resource{}, notFound(c)
	}
	if (r.retained || r.nobodys) && !visit {
		r.owner, r.retained, r.nobodys = c.Owner, false, false
	}
	t.res = r
	if ru.read != nil {
		ru.read(t)
	}
	return r.view(now), nil
}

// Update changes a resource's arguments.
func (a *AWS) Update(c Call) (Resource, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.Args = c.Args.Copy()
	res, err := a.update(c)
	a.count(c, OpUpdate, err)
	return res, err
}

func (a *AWS) update(c Call) (Resource, error) {
	now := a.clock.Now()
	if err := a.injected(c, OpUpdate, now); err != nil {
		return Resource{}, err
	}
	t := &tx{AWS: a, call: c, args: c.Args, now: now}
	r := t.find(c.Kind, c.ID)
	if r == nil {
		return Resource{}, notFound(c)
	}
	t.res = r
	if err := t.missing(); err != nil {
		return Resource{}, err
	}
	if ru := a.rules[c.Kind]; ru.update != nil {
		if err := ru.update(t); err != nil {
			return Resource{}, err
		}
	}
	r.args = c.Args
	r.ready = a.stretched(c, OpUpdate, now, DurationsOf(c.Kind).Update)
	return r.view(now), nil
}

// Delete asks AWS to delete a resource. It returns as soon as AWS has
// accepted; AwaitGone waits until it is gone.
func (a *AWS) Delete(c Call) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.remove(c)
	a.count(c, OpDelete, err)
	return err
}

func (a *AWS) remove(c Call) error {
	now := a.clock.Now()
	if err := a.injected(c, OpDelete, now); err != nil {
		return err
	}
	t := &tx{AWS: a, call: c, args: c.Args, now: now}
	r := t.find(c.Kind, c.ID)
	if r == nil {
		return notFound(c)
	}
	if r.deleting {
		return nil
	}
	t.res = r
	if err := t.held(); err != nil {
		return err
	}
	if ru := a.rules[c.Kind]; ru.remove != nil {
		if err := ru.remove(t); err != nil {
			return err
		}
	}
	t.drop(r, a.stretched(c, OpDelete, now, DurationsOf(c.Kind).Delete))
	return nil
}

// drop marks a resource as deleted, gone at the given instant.
func (t *tx) drop(r *record, gone time.Duration) {
	r.deleting, r.deleted, r.gone = true, t.now, gone
	t.broadcast()
}

func (a *AWS) broadcast() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// Changed is closed at the next change of faults or deletion.
func (a *AWS) Changed() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changed
}
