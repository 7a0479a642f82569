package bed

import (
	"context"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
)

// clusterGrace is how long the API server gets to shut down. It stops listening
// within milliseconds and then waits a minute for open watches, which the core
// and the provider never end by themselves. What was answered is in etcd's
// write-ahead log by then, so nothing is lost with the rest of the minute.
const clusterGrace = time.Second

func (b *Bed) clusterDir() string { return filepath.Join(b.o.Dir, "cluster") }

// startAPIServer makes the cluster's certificates and starts etcd, the API
// server and the controllers, which are one process.
func (b *Bed) startAPIServer(ctx context.Context) error {
	if err := b.makeCredentials(); err != nil {
		return err
	}

	if err := b.makeClients(); err != nil {
		return err
	}

	return b.runAPIServer(ctx)
}

func (b *Bed) runAPIServer(ctx context.Context) error {
	ctx, cancel := b.within(ctx)
	defer cancel()

	err := b.spawn("cluster", b.o.ControlPlaneBinary, nil, []string{
		"cluster",
		"--rbac=" + strconv.FormatBool(b.o.RBAC),
		"--dir=" + b.clusterDir(),
		"--kubeconfig=" + b.Kubeconfig(),
		"--port=" + strconv.Itoa(b.ports.apiServer),
		"--etcd-port=" + strconv.Itoa(b.ports.etcd),
		"--etcd-peer-port=" + strconv.Itoa(b.ports.etcdPeer),
	})
	if err != nil {
		return err
	}

	c, err := rest.HTTPClientFor(b.config)
	if err != nil {
		return fmt.Errorf("cannot make an HTTP client: %w", err)
	}

	return awaitOK(ctx, c, b.config.Host+"/readyz")
}

// RestartAPIServer ends the API server, etcd and the controllers and starts
// them on the same ports with the same data.
func (b *Bed) RestartAPIServer(ctx context.Context) error {
	if err := b.stop("cluster", clusterGrace); err != nil {
		return err
	}

	return b.runAPIServer(ctx)
}

func (b *Bed) makeCredentials() error {
	ca, err := pki.NewCA("bed")
	if err != nil {
		return err
	}

	// 10.0.0.1 is the API server's own service.
	server, err := ca.Issue(pkix.Name{CommonName: "kube-apiserver"}, "localhost", "127.0.0.1", "10.0.0.1", "kubernetes.default.svc")
	if err != nil {
		return err
	}

	admin, err := ca.Issue(pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}})
	if err != nil {
		return err
	}

	accounts, err := pki.NewKey()
	if err != nil {
		return err
	}

	if err := pki.WriteFiles(b.clusterDir(), map[string][]byte{
		"ca.crt":        ca.Cert,
		"apiserver.crt": server.Cert,
		"apiserver.key": server.Key,
		"sa.key":        accounts,
	}); err != nil {
		return err
	}

	b.kubeconfig, err = clientcmd.Write(kubeconfig("https://"+loopback(b.ports.apiServer), ca.Cert, admin))
	if err != nil {
		return fmt.Errorf("cannot encode the kubeconfig: %w", err)
	}

	if err := os.WriteFile(b.Kubeconfig(), b.kubeconfig, 0o600); err != nil {
		return fmt.Errorf("cannot write the kubeconfig: %w", err)
	}

	return b.makeAccounts(ca)
}

func kubeconfig(server string, ca []byte, admin pki.Pair) api.Config {
	const name = "bed"

	c := api.NewConfig()
	c.Clusters[name] = &api.Cluster{Server: server, CertificateAuthorityData: ca}
	c.AuthInfos[name] = &api.AuthInfo{ClientCertificateData: admin.Cert, ClientKeyData: admin.Key}
	c.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	c.CurrentContext = name

	return *c
}

func (b *Bed) makeClients() error {
	cfg, err := clientcmd.RESTConfigFromKubeConfig(b.kubeconfig)
	if err != nil {
		return fmt.Errorf("cannot read the kubeconfig: %w", err)
	}

	// No limit: the API server's own are off, too.
	cfg.QPS = -1
	// The server warns of the names that upstream chose for its finalizers.
	cfg.WarningHandler = rest.NoWarnings{}
	b.config = cfg

	b.client, err = dynamic.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("cannot make a client: %w", err)
	}

	d, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return fmt.Errorf("cannot make a discovery client: %w", err)
	}

	b.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d))

	return nil
}
