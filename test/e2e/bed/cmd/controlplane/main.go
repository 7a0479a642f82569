// Command controlplane is the heavy half of the bed: a management cluster in
// one binary. It is built once and cached, because it links etcd, the
// kube-apiserver and the Crossplane core (about ten CPU minutes from nothing).
//
//	controlplane cluster   etcd, kube-apiserver, garbage collector, namespace controller
//	controlplane core …    the Crossplane core, with its own flags
//
// Each subcommand is a process of its own: two API servers, or an API server
// and the core, share global feature gates and signal handlers and must not
// live in one process.
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fatal(errors.New("cannot start: give a subcommand, cluster or core"))
	}

	sub := os.Args[1]
	os.Args = append(os.Args[:1], os.Args[2:]...)

	switch sub {
	case "cluster":
		if err := runCluster(os.Args[1:]); err != nil {
			fatal(err)
		}
	case "core":
		runCore()
	default:
		fatal(fmt.Errorf("cannot start %q: the subcommands are cluster and core", sub))
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "controlplane:", err)
	os.Exit(1)
}
