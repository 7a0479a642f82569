package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Diagnosis says why a studio is not Ready.
type Diagnosis struct {
	// NotReady are the resources that exist and are not ready.
	NotReady []Resource
	// Culprits are those of them that wait for no other, the most likely first.
	Culprits []Resource
	// Waiting are the parts with what they wait for.
	Waiting []Part
	// Problem is what the claim itself reports.
	Problem string
}

// Diagnose finds what keeps a studio from being Ready.
func Diagnose(s Snapshot) Diagnosis {
	d := Diagnosis{Problem: s.Problem}
	open := map[ID]bool{}
	for _, r := range s.Resources() {
		if r.State != Ready && r.State != Gone && r.State != Kept {
			open[r.ID] = true
			d.NotReady = append(d.NotReady, r)
		}
	}
	held := map[ID]int{}
	for _, r := range d.NotReady {
		blocked := false
		for _, ref := range r.References {
			if open[ref.To] {
				held[ref.To]++
				blocked = true
			}
		}
		if !blocked {
			d.Culprits = append(d.Culprits, r)
		}
	}
	for _, p := range s.Parts {
		if p.State != Ready && p.State != Absent && p.Waits != "" {
			d.Waiting = append(d.Waiting, p)
		}
	}
	slices.SortStableFunc(d.Culprits, func(a, b Resource) int {
		return cmp.Or(
			cmp.Compare(held[b.ID], held[a.ID]),
			cmp.Compare(severity(b.State), severity(a.State)),
			cmp.Compare(named(d.Waiting, b), named(d.Waiting, a)),
			cmp.Compare(a.Created, b.Created),
			strings.Compare(a.Key, b.Key),
		)
	})
	return d
}

// named counts the parts that name a resource among what they wait for.
func named(parts []Part, r Resource) int {
	n := 0
	for _, p := range parts {
		if strings.Contains(p.Waits, r.Key) || strings.Contains(p.Waits, r.Name) {
			n++
		}
	}
	return n
}

// Culprit names in one sentence what holds the studio back.
func (d Diagnosis) Culprit() string {
	switch {
	case len(d.Culprits) > 0:
		r := d.Culprits[0]
		out := fmt.Sprintf("%s %s (%s) is %s", r.Kind, r.Name, r.Key, r.State)
		if r.Message != "" {
			out += ": " + cut(r.Message, 300)
		}
		return out
	case d.Problem != "":
		return "the claim cannot be composed: " + cut(d.Problem, 300)
	case len(d.Waiting) > 0:
		return fmt.Sprintf("no resource; %s is not ready: %s", d.Waiting[0].Name, d.Waiting[0].Waits)
	}
	return "unknown: every resource there is, is ready"
}

// Text lists everything that is not ready and ends with the culprit.
func (d Diagnosis) Text(s Snapshot) string {
	var b strings.Builder
	for _, r := range d.NotReady {
		fmt.Fprintf(&b, "  %s  %-9s for %5.1f min  %s/%s", pad(r.Key, 32), r.State, (s.Now-r.Created)/60, r.Kind, r.Name)
		if r.Message != "" {
			fmt.Fprintf(&b, "\n      %s", cut(r.Message, 300))
		}
		b.WriteString("\n")
	}
	for _, p := range d.Waiting {
		fmt.Fprintf(&b, "  %s: %s\n", p.Name, p.Waits)
	}
	if d.Problem != "" {
		fmt.Fprintf(&b, "  the claim: %s\n", d.Problem)
	}
	fmt.Fprintf(&b, "What holds it back: %s\n", d.Culprit())
	return b.String()
}
