package cloud

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Operation is what is done with a resource.
type Operation string

// The operations a fault can hit. OpStatus is not a call to AWS but what the
// provider writes into the managed resource's status.
const (
	OpCreate  Operation = "create"
	OpObserve Operation = "observe"
	OpUpdate  Operation = "update"
	OpDelete  Operation = "delete"
	OpStatus  Operation = "status"
)

// A Mode is what a fault does.
type Mode string

// The modes of a fault.
const (
	// Throttle answers calls with ThrottlingException.
	Throttle Mode = "throttle"
	// Fail refuses Count calls with Message, then lets them pass.
	Fail Mode = "fail"
	// Slow makes an operation take Factor times as long.
	Slow Mode = "slow"
	// Stuck makes an operation never end, until the fault is cleared.
	Stuck Mode = "never"
	// LoseStatus empties the managed resource's status.
	LoseStatus Mode = "lose-status"
	// Freeze turns the managed resource's Ready condition to False.
	Freeze Mode = "freeze"
)

// A Fault goes wrong for the managed resources and the operation it names.
type Fault struct {
	// Group and Kind of the managed resources; empty for all.
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind,omitempty"`
	// Namespace and Name are globs; empty for all.
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name,omitempty"`
	Operation Operation `json:"operation,omitempty"`
	Mode      Mode      `json:"mode"`
	// Count bounds how many calls a throttle or fail hits; 0 for all.
	Count int `json:"count,omitempty"`
	// Message is what a failed call answers.
	Message string `json:"message,omitempty"`
	// Factor is how many times longer a slow operation takes.
	Factor float64 `json:"factor,omitempty"`
	// For bounds how long the fault lasts, in simulated time; 0 for ever.
	For time.Duration `json:"for,omitempty"`
}

type activeFault struct {
	Fault

	since time.Duration
	hits  int
}

func (f *activeFault) over(now time.Duration) bool {
	return f.For > 0 && now >= f.since+f.For || f.Count > 0 && f.hits >= f.Count
}

func (f *activeFault) matches(c Call, op Operation) bool {
	return (f.Group == "" || f.Group == c.Kind.Group()) &&
		(f.Kind == "" || f.Kind == c.Kind.Name) &&
		glob(f.Namespace, c.Owner.Namespace) && glob(f.Name, c.Owner.Name) &&
		(f.Operation == "" || f.Operation == op)
}

func glob(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

// presets are the faults that have a name of their own.
func presets() map[string]Fault {
	out := map[string]Fault{
		"cluster-never-active":   {Kind: "Cluster", Operation: OpCreate, Mode: Stuck},
		"cluster-slow":           {Kind: "Cluster", Operation: OpCreate, Mode: Slow, Factor: 2},
		"cluster-lost-status":    {Kind: "Cluster", Operation: OpStatus, Mode: LoseStatus, For: 2 * time.Minute},
		"nodegroup-never-active": {Kind: "NodeGroup", Operation: OpCreate, Mode: Stuck},
		"nodegroup-refused":      {Kind: "NodeGroup", Operation: OpCreate, Mode: Fail, Message: "You've reached your quota for maximum Fleet Requests for this account."},
		"addon-refused":          {Kind: "Addon", Operation: OpCreate, Mode: Fail, Count: 3, Message: "Addon could not be installed."},
		"vpc-refused":            {Kind: "VPC", Operation: OpCreate, Mode: Fail, Message: "The maximum number of VPCs has been reached."},
		"nat-never-active":       {Kind: "NATGateway", Operation: OpCreate, Mode: Stuck},
		"image-build-fails":      {Kind: "Build", Name: "*-build-project-comfyui", Operation: OpCreate, Mode: Fail, Message: "ERROR: No matching distribution found"},
		"agent-build-fails":      {Kind: "Build", Name: "*-build-project-agent", Operation: OpCreate, Mode: Fail, Message: "toomanyrequests: retry-after: 1s"},
		"image-build-slow":       {Kind: "Build", Name: "*-build-project-comfyui", Operation: OpCreate, Mode: Slow, Factor: 3},
		"throttled":              {Mode: Throttle, Operation: OpCreate, For: 2 * time.Minute},
	}
	maps.Copy(out, instanceFaults())
	return out
}

// ParseFault reads a fault from a preset's name, or from comma-separated
// settings: kind=NodeGroup,name=*-system,operation=create,mode=fail,count=3.
func ParseFault(s string) (Fault, error) {
	if f, ok := presets()[s]; ok {
		return f, nil
	}
	if !strings.Contains(s, "=") {
		return Fault{}, fmt.Errorf("unknown fault %q: want one of %s, or settings such as kind=VPC,mode=throttle",
			s, strings.Join(slices.Sorted(maps.Keys(presets())), ", "))
	}
	f := Fault{}
	for setting := range strings.SplitSeq(s, ",") {
		key, value, _ := strings.Cut(setting, "=")
		if err := f.set(key, value); err != nil {
			return Fault{}, fmt.Errorf("cannot parse %q: %w", setting, err)
		}
	}
	return f, f.validate()
}

func (f *Fault) set(key, value string) (err error) {
	switch key {
	case "group":
		f.Group = value
	case "kind":
		f.Kind = value
	case "namespace":
		f.Namespace = value
	case "name":
		f.Name = value
	case "operation":
		f.Operation = Operation(value)
	case "mode":
		f.Mode = Mode(value)
	case "message":
		f.Message = value
	case "count":
		f.Count, err = strconv.Atoi(value)
	case "factor":
		f.Factor, err = strconv.ParseFloat(value, 64)
	case "for":
		f.For, err = time.ParseDuration(value)
	default:
		err = fmt.Errorf("unknown setting %q", key)
	}
	return err
}

func (f *Fault) validate() error {
	if !slices.Contains([]Mode{Throttle, Fail, Slow, Stuck, LoseStatus, Freeze}, f.Mode) {
		return fmt.Errorf("unknown mode %q", f.Mode)
	}
	if !slices.Contains([]Operation{"", OpCreate, OpObserve, OpUpdate, OpDelete, OpStatus}, f.Operation) {
		return fmt.Errorf("unknown operation %q", f.Operation)
	}
	if f.Mode == Slow && f.Factor <= 0 {
		return fmt.Errorf("mode %s needs a factor", Slow)
	}
	return nil
}

// SetFaults adds faults to those there are.
func (a *AWS) SetFaults(faults ...Fault) error {
	for _, f := range faults {
		if err := f.validate(); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range faults {
		a.faults = append(a.faults, &activeFault{Fault: f, since: a.clock.Now()})
	}
	a.broadcast()
	return nil
}

// Faults are the faults in force.
func (a *AWS) Faults() []Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := []Fault{}
	for _, f := range a.faults {
		if !f.over(a.clock.Now()) {
			out = append(out, f.Fault)
		}
	}
	return out
}

// ClearFaults ends all faults. What never ended takes its ordinary time from
// now on.
func (a *AWS) ClearFaults() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	a.faults = nil
	for _, r := range a.records {
		if r.active == Never && !r.waiting {
			r.active = now + r.took
		}
		if r.ready == Never {
			r.ready = now + DurationsOf(r.kind).Update
		}
		if r.deleting && r.gone == Never {
			r.gone = now + DurationsOf(r.kind).Delete
		}
	}
	t := &tx{AWS: a, now: now}
	for ng := range t.each(kindNodeGroup) {
		t.nodesAt(ng.args.String("clusterName"), ng.active)
	}
	a.broadcast()
}

// StopFailing ends the faults that refuse calls, and no other.
func (a *AWS) StopFailing() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = slices.DeleteFunc(a.faults, func(f *activeFault) bool { return f.Mode == Fail })
	a.broadcast()
}

// injected is the refusal a fault injects into a call.
func (a *AWS) injected(c Call, op Operation, now time.Duration) error {
	for _, f := range a.faults {
		if f.over(now) || !f.matches(c, op) {
			continue
		}
		switch f.Mode {
		case Throttle:
			f.hits++
			return &Refusal{Code: "ThrottlingException", Message: "Rate exceeded", Injected: true}
		case Fail:
			f.hits++
			return &Refusal{Code: "InjectedFailure", Message: f.Message, Injected: true}
		default: // The others refuse nothing.
		}
	}
	return nil
}

// stretched is when an operation ends that starts now and takes d.
func (a *AWS) stretched(c Call, op Operation, now, d time.Duration) time.Duration {
	for _, f := range a.faults {
		if f.over(now) || !f.matches(c, op) {
			continue
		}
		switch f.Mode {
		case Slow:
			d = time.Duration(float64(d) * f.Factor)
		case Stuck:
			return Never
		default: // The others take no time.
		}
	}
	return now + d
}

// StatusFault tells what a fault does to a managed resource's status, and
// when that is over by itself (zero: not by itself).
func (a *AWS) StatusFault(k Kind, o Owner) (mode Mode, over time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	for _, f := range a.faults {
		if f.over(now) || !f.matches(Call{Kind: k, Owner: o}, OpStatus) {
			continue
		}
		if f.Mode == LoseStatus || f.Mode == Freeze {
			if f.For > 0 {
				over = f.since + f.For
			}
			return f.Mode, over
		}
	}
	return "", 0
}
