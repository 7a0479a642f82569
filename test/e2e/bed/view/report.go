package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// PartTable tells how long each part took, from its first resource's creation to
// its last one's readiness.
func PartTable(s Snapshot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s %9s %9s %9s %9s\n", "part", "resources", "from min", "to min", "took min")
	for _, p := range s.Parts {
		if len(p.Resources) == 0 {
			continue
		}
		from, to := p.Span(s.Now)
		fmt.Fprintf(&b, "%-10s %9d %9.1f %9.1f %9.1f\n", p.Name, len(p.Resources), s.Minutes(from), s.Minutes(to), (to-from)/60)
	}
	return b.String()
}

// PathTable lists the critical path with what each step waited and took, and how
// it was found. The last row is the claim itself.
func PathTable(s Snapshot) string {
	steps := CriticalPath(s)
	if len(steps) == 0 {
		return "no resource is ready yet\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-32s %-18s %8s %8s %8s  %s\n", "critical path", "kind", "at min", "waited", "took", "how it was found")
	var waited, took float64
	for _, st := range steps {
		fmt.Fprintf(&b, "%-32s %-18s %8.1f %8.1f %8.1f  %s\n",
			cut(st.Key, 32), cut(st.Kind, 18), s.Minutes(st.Created), st.Waited/60, st.Took/60, st.Found)
		waited += st.Waited
		took += st.Took
	}
	last := steps[len(steps)-1].Active
	if s.Ready {
		waited += s.Now - last
		fmt.Fprintf(&b, "%-32s %-18s %8.1f %8.1f %8s  %s\n", "the claim is Ready", "ComfyUIStudio", s.Elapsed(), (s.Now-last)/60, "", "last resource ready")
	}
	fmt.Fprintf(&b, "%-32s %-18s %8s %8.1f %8.1f\n", "sum", "", "", waited/60, took/60)
	return b.String()
}

// A Place says where a studio runs, for the commands that look at it.
type Place struct {
	Kubeconfig, Ledger string
	// Keep says that the bed stays when the demo ends.
	Keep bool
	// Down and Delete are the commands that end the bed and delete the claim.
	Down, Delete string
}

// Hints lists the commands to look around with.
func Hints(s Snapshot, p Place) string {
	var b strings.Builder
	if p.Keep {
		b.WriteString("Look around:\n")
	} else {
		b.WriteString("The bed ends with the demo. To look around, run `make demo KEEP=1`, and then:\n")
	}
	for _, cmd := range []string{
		"export KUBECONFIG=" + p.Kubeconfig,
		"kubectl get comfyuistudios -A",
		fmt.Sprintf("kubectl describe comfyuistudio %s -n %s", s.Name, s.Namespace),
		"kubectl get managed -n " + s.Namespace,
	} {
		b.WriteString("  " + cmd + "\n")
	}
	if p.Keep {
		fmt.Fprintf(&b, "  curl -s %s\n", p.Ledger)
	}
	fmt.Fprintf(&b, "Delete the studio and watch: %s\n", p.Delete)
	fmt.Fprintf(&b, "End the bed:                 %s\n", p.Down)
	return b.String()
}

// Remains lists what AWS keeps after a studio went, and what it should not.
func Remains(s Snapshot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d resources are gone, %d kept because the claim asks for that.\n", s.Count(Gone), len(s.Resources()), s.Count(Kept))
	kept := map[string][]string{}
	var order []string
	for _, r := range s.Resources() {
		switch r.State {
		case Kept:
			if kept[r.External] == nil {
				order = append(order, r.External)
			}
			kept[r.External] = append(kept[r.External], r.Kind)
		case Gone:
		case Waiting, Creating, Ready, Failing, Deleting, Absent:
			fmt.Fprintf(&b, "  LEFT  %s %s (%s) is %s: %s\n", r.Kind, r.Name, r.External, r.State, r.Message)
		}
	}
	slices.Sort(order)
	for _, id := range order {
		// A bucket and its settings share a name in AWS.
		slices.SortFunc(kept[id], func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
		fmt.Fprintf(&b, "  kept  %s: %s\n", id, strings.Join(kept[id], ", "))
	}
	return b.String()
}
