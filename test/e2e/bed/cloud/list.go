package cloud

// List describes the resources of a kind that exist, in the order of creation,
// also those that AWS made beside others. Listing adopts nothing and is not
// counted: it serves what plays a controller of its own in front of AWS.
func (a *AWS) List(k Kind, region string) []Resource {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	ru := a.rules[k]
	out := []Resource{}
	for _, r := range a.records {
		if r.kind != k || !r.exists(now) || !ru.global && r.region != region {
			continue
		}
		if ru.read != nil {
			ru.read(&tx{AWS: a, call: Call{Kind: k, ID: r.id, Args: Values{"region": r.region}}, args: r.args, now: now, res: r})
		}
		out = append(out, r.view(now))
	}
	return out
}

// Injected is the refusal a fault injects into an operation that is no call of
// the provider, for example the pull of an image.
func (a *AWS) Injected(c Call, op Operation) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.injected(c, op, a.clock.Now())
}
