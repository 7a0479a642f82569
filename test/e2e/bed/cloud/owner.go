package cloud

// Retain notes that the owner of a resource went without deleting it.
func (a *AWS) Retain(c Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := &tx{AWS: a, call: c, now: a.clock.Now()}
	if r := t.find(c.Kind, c.ID); r != nil {
		r.retained = true
	}
}

// Abandon makes what an owner has nobody's: its managed resource is gone and AWS
// was asked for nothing. Whoever asks for it next has it.
func (a *AWS) Abandon(k Kind, o Owner) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.live {
		if r.kind == k && r.owner == o && !r.retained {
			r.nobodys = true
		}
	}
}
