package command

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// write prints an outlook for people.
func (o outlook) write(to io.Writer) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	defer w.Flush()

	sum := 0

	for _, kinds := range o.Resources {
		for _, n := range kinds {
			sum += n
		}
	}

	fmt.Fprintf(w, "studio %s in %s: %d resources\n", o.Studio, o.Region, sum)

	for _, part := range slices.Sorted(maps.Keys(o.Resources)) {
		n := 0

		var kinds []string

		for _, kind := range slices.Sorted(maps.Keys(o.Resources[part])) {
			count := o.Resources[part][kind]
			n += count

			kinds = append(kinds, fmt.Sprintf("%d %s", count, kind))
		}

		fmt.Fprintf(w, "  %s\t%d\t%s\n", part, n, strings.Join(kinds, ", "))
	}

	fmt.Fprintf(w, "\nwho may do what: %d roles (docs/reference/iam.md says it in full)\n", len(o.Roles))

	for _, r := range o.Roles {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", r.Name, r.For, strings.Join(append(services(r.Actions), r.Policies...), ", "))
	}

	fmt.Fprintf(w, "\ncost by list prices of us-east-1, without traffic and storage\n  awake\t%s USD an hour\n  asleep\t%s USD an hour\n", o.Cost.Hourly, o.Cost.Idle)

	if len(o.Path) > 0 {
		fmt.Fprintf(w, "\nready after about %s of AWS's own time; what it waits for longest:\n", clockOf(o.Path[len(o.Path)-1].End))
	}

	for _, m := range o.Path {
		fmt.Fprintf(w, "  %s\t%s\t%s (%s)\n", clockOf(m.Start), "+"+clockOf(m.End-m.Start), m.Key, m.Kind)
	}

	if o.compared {
		o.writeChanges(w)
	}
}

func (o outlook) writeChanges(w io.Writer) {
	fmt.Fprintf(w, "\nagainst the claim in the cluster: %d resources change\n", len(o.Changes))

	for _, c := range o.Changes {
		fmt.Fprintf(w, "  %s %s (%s)\n", c.Verb, c.Key, c.Kind)

		for _, f := range c.Fields {
			fmt.Fprintf(w, "    %s: %s -> %s\n", f.Path, brief(f.Old), brief(f.New))
		}
	}
}

// brief is a value in one short line.
func brief(v any) string {
	const most = 60

	if v == nil {
		return "(none)"
	}

	s := strings.ReplaceAll(fmt.Sprint(v), "\n", " ")
	if len(s) > most {
		return s[:most] + "…"
	}

	return s
}

// services are those of actions, with how many of each.
func services(actions []string) []string {
	count := map[string]int{}

	for _, a := range actions {
		service, _, _ := strings.Cut(a, ":")
		count[service]++
	}

	var out []string

	for _, s := range slices.Sorted(maps.Keys(count)) {
		word := "actions"
		if count[s] == 1 {
			word = "action"
		}

		out = append(out, fmt.Sprintf("%s (%d %s)", s, count[s], word))
	}

	return out
}

// clockOf is seconds as minutes and seconds.
func clockOf(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)

	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
