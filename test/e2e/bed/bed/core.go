package bed

import (
	"context"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
)

// Names that Crossplane's Helm chart uses.
const (
	namespace    = "crossplane-system"
	webhook      = "crossplane-webhooks"
	rootCASecret = "crossplane-root-ca"
	serverSecret = "crossplane-tls-server"
	clientSecret = "crossplane-tls-client"
)

// surroundings are what the chart would install around the core. The webhook's
// Service is an alias of localhost, where the core runs: the API server dials
// it by that name and checks the certificate against the Service's.
const surroundings = `
apiVersion: v1
kind: Namespace
metadata:
  name: ` + namespace + `
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: crossplane
  namespace: ` + namespace + `
---
apiVersion: v1
kind: Service
metadata:
  name: ` + webhook + `
  namespace: ` + namespace + `
spec:
  type: ExternalName
  externalName: localhost
`

// installCrossplane installs Crossplane's own kinds. Its init step would do so
// one by one, and stumble over those that are not established yet.
func (b *Bed) installCrossplane(ctx context.Context) error {
	if _, err := b.Apply(ctx, surroundings); err != nil {
		return err
	}

	dir, err := b.moduleDir(ctx, "test/e2e/bed", crossplaneModule)
	if err != nil {
		return err
	}

	b.crossplane = filepath.Join(dir, "cluster")

	if err := b.installRoles(ctx); err != nil {
		return err
	}

	files, err := filepath.Glob(filepath.Join(b.crossplane, "crds", "*.yaml"))
	if err != nil {
		return fmt.Errorf("cannot list Crossplane's CRDs: %w", err)
	}

	return b.installCRDs(ctx, files)
}

// initCore runs Crossplane's init step, which makes its CA and certificates,
// and writes them to files: the core and the function read them there.
func (b *Bed) initCore(ctx context.Context) error {
	p, err := b.launch("init", b.o.ControlPlaneBinary, append(b.coreEnv(),
		"CRDS_PATH="+filepath.Join(b.crossplane, "crds"),
		"WEBHOOK_CONFIGS_PATH="+filepath.Join(b.crossplane, "webhookconfigurations"),
		"WEBHOOK_SERVICE_NAME="+webhook,
		"WEBHOOK_SERVICE_NAMESPACE="+namespace,
		"WEBHOOK_SERVICE_PORT="+strconv.Itoa(b.ports.coreWebhook),
		"TLS_CA_SECRET_NAME="+rootCASecret,
		"TLS_SERVER_SECRET_NAME="+serverSecret,
		"TLS_CLIENT_SECRET_NAME="+clientSecret,
	), []string{"core", "init"})
	if err != nil {
		return err
	}

	select {
	case <-p.Done():
	case <-ctx.Done():
		return context.Cause(ctx)
	}

	if err := b.stop("init", 0); err != nil {
		return err
	}

	if p.Err() != nil {
		return fmt.Errorf("cannot initialize Crossplane: %w\n%s", p.Err(), b.LogTail("init", 10))
	}

	return b.writeCertificates(ctx)
}

func (b *Bed) coreDir(name string) string { return filepath.Join(b.o.Dir, "core", name) }

func (b *Bed) writeCertificates(ctx context.Context) error {
	c, err := kubernetes.NewForConfig(b.config)
	if err != nil {
		return fmt.Errorf("cannot make a client: %w", err)
	}

	for name, dir := range map[string]string{
		rootCASecret: b.coreDir("ca"),
		serverSecret: b.coreDir("server"),
		clientSecret: b.coreDir("client"),
	} {
		s, err := c.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("cannot get Crossplane's secret %s: %w", name, err)
		}

		if err := pki.WriteFiles(dir, s.Data); err != nil {
			return err
		}

		if name == rootCASecret {
			b.caRoot, err = pki.LoadCA(pki.Pair{Cert: s.Data[corev1.TLSCertKey], Key: s.Data[corev1.TLSPrivateKeyKey]})
			if err != nil {
				return err
			}
		}
	}

	// The function and the proxy share one certificate.
	b.functionPair, err = b.caRoot.Issue(pkix.Name{CommonName: "function"}, "localhost", "127.0.0.1")
	if err != nil {
		return err
	}

	return pki.WriteFiles(b.coreDir("function"), map[string][]byte{
		"ca.crt":  b.caRoot.Cert,
		"tls.crt": b.functionPair.Cert,
		"tls.key": b.functionPair.Key,
	})
}

func (b *Bed) coreEnv() []string { return []string{"KUBECONFIG=" + b.accountKubeconfig(accountCore)} }

// startCore starts the core and waits until it is ready.
func (b *Bed) startCore(ctx context.Context) error {
	ctx, cancel := b.within(ctx)
	defer cancel()

	args := []string{
		"core", "start",
		// Nobody is to run packages: function and provider are here already.
		"--package-runtime=External",
		"--webhook-port=" + strconv.Itoa(b.ports.coreWebhook),
		"--metrics-port=" + strconv.Itoa(b.ports.coreMetrics),
		"--health-probe-port=" + strconv.Itoa(b.ports.coreHealth),
		"--tls-server-certs-dir=" + b.coreDir("server"),
		"--tls-client-certs-dir=" + b.coreDir("client"),
		"--xpkg-cache-dir=" + b.coreDir("xpkg"),
	}
	// The core does not make it, and cannot read a package that it cannot cache.
	if err := os.MkdirAll(b.coreDir("xpkg"), 0o755); err != nil {
		return fmt.Errorf("cannot make the core's cache of packages: %w", err)
	}

	if !b.o.StockCircuitBreaker {
		args = append(args, "--circuit-breaker-burst=100000", "--circuit-breaker-refill-rate=1000")
	}

	if err := b.grant(ctx); err != nil {
		return err
	}

	if err := b.spawn("core", b.o.ControlPlaneBinary, b.coreEnv(), append(args, b.o.CoreArgs...)); err != nil {
		return err
	}

	return awaitOK(ctx, http.DefaultClient, "http://"+loopback(b.ports.coreHealth)+"/readyz")
}

// RestartCore kills the core, as a node failure would, and starts it again.
func (b *Bed) RestartCore(ctx context.Context) error {
	if err := b.stop("core", 0); err != nil {
		return err
	}

	return b.startCore(ctx)
}

// KillCore kills the core, as a node failure would. StartCore brings it back.
func (b *Bed) KillCore() error { return b.stop("core", 0) }

// StartCore starts the core after KillCore and waits until it is ready.
func (b *Bed) StartCore(ctx context.Context) error { return b.startCore(ctx) }

// StopCore asks the core to end, as an upgrade would, and waits for it.
func (b *Bed) StopCore() error { return b.stop("core", 10*time.Second) }
