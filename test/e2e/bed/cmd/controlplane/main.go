// Command controlplane is the heavy half of the bed: a management cluster in
// one binary. It is built once and cached, because it links etcd, the
// kube-apiserver and the Crossplane core (about ten CPU minutes from nothing).
//
//	controlplane cluster   etcd, kube-apiserver, garbage collector, namespace controller
//	controlplane eks       a second kube-apiserver on that etcd, as a studio's EKS has it
//	controlplane workers   the controllers and the scheduler of such a cluster
//	controlplane core …    the Crossplane core, with its own flags
//	controlplane rbac …    the Crossplane RBAC manager, with its own flags
//
// Each subcommand is a process of its own: two API servers, or an API server
// and the core, share global feature gates and signal handlers and must not
// live in one process.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// subcommands by name. Crossplane's parse os.Args by themselves.
func subcommands() map[string]func(args []string) error {
	return map[string]func([]string) error{
		"cluster": runCluster,
		"eks":     runEKS,
		"workers": runWorkers,
		"core":    runCore,
		"rbac":    runRBAC,
	}
}

func main() {
	known := subcommands()
	names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")

	if len(os.Args) < 2 {
		fatal(fmt.Errorf("cannot start: give a subcommand of %s", names))
	}

	sub := os.Args[1]
	os.Args = append(os.Args[:1], os.Args[2:]...)

	run, ok := known[sub]
	if !ok {
		fatal(fmt.Errorf("cannot start %q: the subcommands are %s", sub, names))
	}

	if err := run(os.Args[1:]); err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "controlplane:", err)
	os.Exit(1)
}
