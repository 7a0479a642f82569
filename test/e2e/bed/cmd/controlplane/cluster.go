package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// clusterFlags say where one management cluster lives.
type clusterFlags struct {
	dir        string // certificates (see the bed's pki) and etcd's data
	port       int    // the API server's port, on 127.0.0.1
	etcdPort   int
	peerPort   int
	kubeconfig string // admin credentials, for the controllers in this process
	rbac       bool   // whether anybody but the admin needs permissions
}

// runCluster serves etcd and the kube-apiserver until the process is told to
// stop. The garbage collector and the namespace controller are the only parts
// of the controller manager that a management cluster without nodes needs:
// Crossplane relies on both for deletion.
func runCluster(args []string) error {
	f := clusterFlags{}
	fs := flag.NewFlagSet("cluster", flag.ExitOnError)
	fs.StringVar(&f.dir, "dir", "", "directory with certificates; etcd's data goes there too")
	fs.IntVar(&f.port, "port", 0, "port of the API server")
	fs.IntVar(&f.etcdPort, "etcd-port", 0, "client port of etcd")
	fs.IntVar(&f.peerPort, "etcd-peer-port", 0, "peer port of etcd")
	fs.StringVar(&f.kubeconfig, "kubeconfig", "", "admin kubeconfig for the controllers")
	fs.BoolVar(&f.rbac, "rbac", false, "authorize by RBAC, not always")

	if err := fs.Parse(args); err != nil {
		return fmt.Errorf("cannot parse flags: %w", err)
	}

	etcd, err := startEtcd(f)
	if err != nil {
		return err
	}

	// Etcd must outlive the API server: one whose etcd went first hangs at
	// shutdown, so etcd is closed only after the API server returned.
	defer etcd.Close()

	go runControllers(context.Background(), f.kubeconfig)

	return serveAPI(apiServerArgs(f))
}

// serveAPI runs the kube-apiserver until the process is told to stop.
func serveAPI(args []string) error {
	cmd := app.NewAPIServerCommand()
	cmd.SetArgs(args)
	// The error is printed by Run; the exit code carries it.
	if code := cli.Run(cmd); code != 0 {
		return fmt.Errorf("kube-apiserver ended with code %d", code)
	}

	return nil
}

func startEtcd(f clusterFlags) (*embed.Etcd, error) {
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(f.dir, "etcd")
	cfg.LogLevel = "error"
	// The data lives no longer than the bed, so a lost write costs nothing.
	cfg.UnsafeNoFsync = true
	cfg.TickMs = 10
	cfg.ElectionMs = 100

	client := url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(f.etcdPort)}
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(f.peerPort)}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)

	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot start etcd: %w", err)
	}

	select {
	case <-e.Server.ReadyNotify():
		return e, nil
	case <-time.After(time.Minute):
		e.Close()
		return nil, fmt.Errorf("cannot start etcd: not ready after a minute, see %s", cfg.Dir)
	}
}

// apiServerArgs turn off what needs a whole cluster. Admission of namespaces
// (NamespaceLifecycle) and webhooks stays on: Crossplane's Usages are a webhook.
func apiServerArgs(f clusterFlags) []string {
	mode := "AlwaysAllow"
	if f.rbac {
		mode = "RBAC"
	}

	return append(commonArgs(f.dir, f.port, "http://127.0.0.1:"+strconv.Itoa(f.etcdPort)),
		"--service-cluster-ip-range=10.0.0.0/24",
		"--authorization-mode="+mode,
		"--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,Priority,DefaultStorageClass,"+
			"StorageObjectInUseProtection,PersistentVolumeClaimResize,RuntimeClass,DefaultIngressClass,"+
			"PodSecurity,LimitRanger,ResourceQuota,ClusterTrustBundleAttest",
	)
}

// commonArgs are those of every API server here: on loopback, with the
// certificates in dir, and with no limit on how fast it may be asked.
func commonArgs(dir string, port int, etcd string) []string {
	in := func(name string) string { return filepath.Join(dir, name) }

	return []string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(port),
		"--endpoint-reconciler-type=none",
		"--cert-dir=" + dir,
		"--tls-cert-file=" + in("apiserver.crt"),
		"--tls-private-key-file=" + in("apiserver.key"),
		"--client-ca-file=" + in("ca.crt"),
		"--service-account-issuer=https://localhost",
		"--service-account-key-file=" + in("sa.key"),
		"--service-account-signing-key-file=" + in("sa.key"),
		"--enable-priority-and-fairness=false",
		"--max-requests-inflight=0",
		"--max-mutating-requests-inflight=0",
		"--profiling=false",
	}
}
