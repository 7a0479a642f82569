// Package clustertest starts two API servers for the tests of what is played
// in a workload cluster: that of a management cluster, whose etcd both share,
// and one as EKS has it, with controllers and scheduler. Nothing else runs:
// no Crossplane, no nodes.
package clustertest

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
)

// patience is for a machine that compiles beside the tests.
const patience = 90 * time.Second

// A Server is one API server.
type Server struct {
	Config     *rest.Config
	Kubeconfig string
	CA         []byte
	Client     kubernetes.Interface

	port int
	dir  string
}

// Clusters are the two of them.
type Clusters struct {
	Management, Workload Server
	// Dir is removed by Stop.
	Dir string

	procs []*leash.Process
	log   *os.File
}

// Bin is where the programs are, built by `make bed-build`.
func Bin(name string) string {
	dir, err := os.Getwd()
	if err != nil {
		return name
	}

	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "hack", "kwok")); err == nil {
			return filepath.Join(dir, "_output", "bin", name)
		}
	}

	return name
}

// Start starts them and waits until both answer.
func Start(ctx context.Context) (*Clusters, error) {
	dir, err := os.MkdirTemp("", "clusters-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a directory: %w", err)
	}

	c := &Clusters{Dir: dir}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}

	return c, nil
}

func (c *Clusters) start(ctx context.Context) error {
	var err error
	if c.log, err = os.Create(filepath.Join(c.Dir, "log")); err != nil {
		return fmt.Errorf("cannot make a log: %w", err)
	}

	ports, err := freePorts(ctx, 4)
	if err != nil {
		return err
	}

	etcd := strconv.Itoa(ports[2])
	c.Management.port, c.Workload.port = ports[0], ports[1]

	for name, s := range map[string]*Server{"management": &c.Management, "workload": &c.Workload} {
		if err := s.issue(filepath.Join(c.Dir, name)); err != nil {
			return err
		}
	}

	m, w := c.Management, c.Workload
	if err := c.spawn(ctx, &c.Management, "cluster", "--dir="+m.dir, "--kubeconfig="+m.Kubeconfig,
		"--port="+strconv.Itoa(m.port), "--etcd-port="+etcd, "--etcd-peer-port="+strconv.Itoa(ports[3])); err != nil {
		return err
	}

	if err := c.spawn(ctx, &c.Workload, "eks", "--dir="+w.dir, "--kubeconfig="+w.Kubeconfig,
		"--port="+strconv.Itoa(w.port), "--etcd=http://127.0.0.1:"+etcd, "--etcd-prefix=/workload"); err != nil {
		return err
	}

	return c.spawn(ctx, &c.Workload, "workers", "--kubeconfig="+w.Kubeconfig)
}

// issue makes a server's certificates and the administrator's kubeconfig.
func (s *Server) issue(dir string) error {
	s.dir = dir

	ca, err := pki.NewCA("kubernetes")
	if err != nil {
		return err
	}

	server, err := ca.Issue(pkix.Name{CommonName: "kube-apiserver"}, "localhost", "127.0.0.1")
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

	if err := pki.WriteFiles(dir, map[string][]byte{"ca.crt": ca.Cert, "apiserver.crt": server.Cert, "apiserver.key": server.Key, "sa.key": accounts}); err != nil {
		return err
	}

	kc := api.NewConfig()
	kc.Clusters["c"] = &api.Cluster{Server: "https://127.0.0.1:" + strconv.Itoa(s.port), CertificateAuthorityData: ca.Cert}
	kc.AuthInfos["c"] = &api.AuthInfo{ClientCertificateData: admin.Cert, ClientKeyData: admin.Key}
	kc.Contexts["c"] = &api.Context{Cluster: "c", AuthInfo: "c"}
	kc.CurrentContext = "c"

	s.CA, s.Kubeconfig = ca.Cert, filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*kc, s.Kubeconfig); err != nil {
		return fmt.Errorf("cannot write a kubeconfig: %w", err)
	}

	if s.Config, err = clientcmd.NewDefaultClientConfig(*kc, nil).ClientConfig(); err != nil {
		return fmt.Errorf("cannot read the kubeconfig: %w", err)
	}

	s.Config.QPS = -1
	s.Config.WarningHandler = rest.NoWarnings{}
	s.Client, err = kubernetes.NewForConfig(s.Config)

	return err
}

// spawn starts a subcommand and waits until its server answers.
func (c *Clusters) spawn(ctx context.Context, s *Server, args ...string) error {
	p, err := leash.Start(leash.Command{Name: args[0], Path: Bin("controlplane"), Args: args, Output: c.log})
	if err != nil {
		return err
	}

	c.procs = append(c.procs, p)

	for begin := time.Now(); ; {
		_, err := s.Client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil {
			return nil
		}

		select {
		case <-p.Done():
			return fmt.Errorf("cannot start %s: %w\n%s", args[0], errors.Join(p.Err(), err), c.Log())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}

		if time.Since(begin) > patience {
			return fmt.Errorf("cannot start %s within %s: %w", args[0], patience, err)
		}
	}
}

// Log is what the processes printed last.
func (c *Clusters) Log() string {
	data, err := os.ReadFile(filepath.Join(c.Dir, "log"))
	if err != nil {
		return err.Error()
	}

	return string(data[max(0, len(data)-4000):])
}

// Stop ends what Start started.
func (c *Clusters) Stop() error {
	errs := []error{}
	for _, p := range slices.Backward(c.procs) {
		errs = append(errs, p.Kill())
	}

	return errors.Join(append(errs, os.RemoveAll(c.Dir))...)
}

// freePorts finds ports that nobody listens on.
func freePorts(ctx context.Context, n int) ([]int, error) {
	out := []int{}

	for range n {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("cannot find a port: %w", err)
		}
		defer l.Close()

		out = append(out, l.Addr().(*net.TCPAddr).Port) //nolint:forcetypeassert // Of a TCP listener.
	}

	return out, nil
}

// Eventually asks until the answer is nil, or the patience is over.
func Eventually(ctx context.Context, what string, ask func(ctx context.Context) error) error {
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := ask(ctx)
		if err == nil {
			return nil
		}

		if time.Since(begin) > patience {
			return fmt.Errorf("%s: not within %s: %w", what, patience, err)
		}
	}
}
