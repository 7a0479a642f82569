package main

import (
	"context"
	"flag"
	"fmt"
)

// eksFlags say where one workload cluster lives.
type eksFlags struct {
	dir        string // certificates
	port       int    // the API server's port, on 127.0.0.1
	etcd       string // URL of the management cluster's etcd
	prefix     string // under which its objects lie there
	kubeconfig string // admin credentials, for the controllers in this process
}

// runEKS serves a kube-apiserver on the management cluster's etcd until the
// process is told to stop. Objects of the two never meet: each API server sees
// its own prefix.
func runEKS(args []string) error {
	f := eksFlags{}
	fs := flag.NewFlagSet("eks", flag.ExitOnError)
	fs.StringVar(&f.dir, "dir", "", "directory with certificates")
	fs.IntVar(&f.port, "port", 0, "port of the API server")
	fs.StringVar(&f.etcd, "etcd", "", "URL of etcd")
	fs.StringVar(&f.prefix, "etcd-prefix", "", "prefix of the cluster's keys in etcd")
	fs.StringVar(&f.kubeconfig, "kubeconfig", "", "admin kubeconfig for the controllers")

	if err := fs.Parse(args); err != nil {
		return fmt.Errorf("cannot parse flags: %w", err)
	}

	go runControllers(context.Background(), f.kubeconfig)

	return serveAPI(eksArgs(f))
}

// eksArgs are what a studio can see of EKS's own settings: authorization, and
// the admission plugins that "Understand the Kubernetes version lifecycle on
// EKS, platform versions" lists. Among them ExtendedResourceToleration, which
// lets a pod that asks for a GPU onto a node tainted with the GPU's name.
func eksArgs(f eksFlags) []string {
	return append(commonArgs(f.dir, f.port, f.etcd),
		"--etcd-prefix="+f.prefix,
		"--service-cluster-ip-range=172.20.0.0/16",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction,ExtendedResourceToleration",
		// EKS runs its own network and device plugins as privileged pods.
		"--allow-privileged=true",
	)
}
