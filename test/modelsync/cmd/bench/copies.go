package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

type copies struct {
	cases, tools []string
	runs         int
	scale        int64
	s5cmd, aws2  string
	within       time.Duration
}

// shares are how much of the time each case has, in percent.
var shares = map[string]int64{caseLarge: 65, caseSmall: 25, caseNothing: 10} //nolint:gochecknoglobals // A constant that Go has no const for.

func measureCopies(folder string, c copies) error {
	fmt.Println("| case | tool | median | of ours | runs | memory |")
	fmt.Println("|---|---|---|---|---|---|")

	for _, name := range c.cases {
		if err := measureCase(folder, name, c); err != nil {
			return fmt.Errorf("case %s: %w", name, err)
		}
	}

	return nil
}

func measureCase(folder, name string, c copies) error {
	s := store.New()
	s.Make(bucket)

	if err := fill(s, name, c.scale); err != nil {
		return err
	}

	// What is computed on demand is not the tools' time.
	for _, o := range s.Objects(bucket) {
		o.Checksum()
	}

	endpoint, stop, err := serve(s, name)
	if err != nil {
		return err
	}
	defer stop()

	tools, err := toolsOf(c, folder, endpoint)
	if err != nil {
		return err
	}

	results := map[string][]result{}
	until := time.Now().Add(c.within / 100 * time.Duration(shares[name]))

	for run := range c.runs + 1 {
		// Two that count are the least that says anything.
		if run > 2 && time.Now().After(until) {
			fmt.Fprintf(os.Stderr, "%s: %d runs of %d, for want of time\n", name, run-1, c.runs)
			break
		}

		for _, t := range tools {
			r, err := one(context.Background(), folder, name, t, s)

			switch {
			case err != nil && t.name == tools[0].name:
				return fmt.Errorf("%s: %w", t.name, err)
			case err != nil:
				// Another tool that copies wrongly, or not at all, has that in its row.
				first, _, _ := strings.Cut(err.Error(), "\n")
				fmt.Fprintf(os.Stderr, "%s: %s: %s\n", name, t.name, first)

				r.failed = true
			}

			// The first one warms everything up and does not count.
			if run > 0 {
				results[t.name] = append(results[t.name], r)
			}
		}
	}

	report(name, tools, results)

	return nil
}

// serve answers on HTTP's own port, where that is allowed: AWS's transfer client, as
// the AWS CLI 2.9 has it, knows no other. Each case has an address of its own, since
// it takes a while until one is free again.
func serve(s *store.Store, name string) (endpoint string, stop func(), err error) {
	host := map[string]string{caseLarge: "127.0.0.2", caseSmall: "127.0.0.3", caseNothing: "127.0.0.4"}[name]

	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", host+":80")
	if err != nil {
		return s.Serve()
	}

	if err := l.Close(); err != nil {
		return "", nil, err
	}

	_, stop, err = s.ServeAt(host + ":80")

	return "http://" + host, stop, err
}

// one is one run of one tool: into an empty directory, or a second time into a
// full one where nothing is to be done.
func one(ctx context.Context, folder, name string, t tool, s *store.Store) (result, error) {
	directory := filepath.Join(folder, "copy", "models")
	if name == caseNothing {
		// Each tool keeps its notes in its own way, so each has its own copy.
		directory = filepath.Join(folder, strings.Fields(t.name)[0], "models")
	} else if err := os.RemoveAll(filepath.Dir(directory)); err != nil {
		return result{}, err
	}

	if err := os.MkdirAll(directory, 0o755); err != nil {
		return result{}, err
	}

	r, err := t.run(ctx, directory)
	if err != nil {
		return result{}, err
	}

	if d := fleet.Compare(directory, fleet.Expect(s.Objects(bucket))); len(d) > 0 {
		return result{}, errors.New("the copy is not equal: " + strings.Join(d[:min(len(d), 3)], "; "))
	}

	return r, nil
}

func report(name string, tools []tool, results map[string][]result) {
	median := func(rs []result) time.Duration {
		sorted := slices.SortedFunc(slices.Values(rs), func(a, b result) int { return int(a.took - b.took) })
		if sorted = slices.DeleteFunc(sorted, func(r result) bool { return r.failed }); len(sorted) == 0 {
			return 0
		}

		return sorted[len(sorted)/2].took
	}
	base := median(results[tools[0].name])

	for _, t := range tools {
		rs := results[t.name]
		memory := int64(0)
		all := []string{}

		for _, r := range rs {
			memory = max(memory, r.memory)
			all = append(all, map[bool]string{false: fmt.Sprintf("%.2f", r.took.Seconds()), true: "failed"}[r.failed])
		}

		m := median(rs)
		if m == 0 {
			fmt.Printf("| %s | %s | never well | | %s | |\n", name, t.name, strings.Join(all, " "))
			continue
		}

		fmt.Printf("| %s | %s | %.2f s | %.2f | %s | %d MiB |\n", name, t.name, m.Seconds(), float64(m)/float64(base), strings.Join(all, " "), memory>>20)
	}
}
