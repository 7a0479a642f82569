package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestServeTLS holds the function closed to everyone but Crossplane.
func TestServeTLS(t *testing.T) {
	dir := t.TempDir()
	client := writeCertificates(t, dir)
	addr, _ := startServer(t, &cli{TLSCertsDir: dir, MaxRecvMessageSize: 4})

	cases := map[string]struct {
		reason string
		creds  credentials.TransportCredentials
		ok     bool
	}{
		"Crossplane":    {"A client whose certificate the CA signed is served.", credentials.NewTLS(client), true},
		"NoCertificate": {"A client that shows none is not.", credentials.NewTLS(&tls.Config{RootCAs: client.RootCAs, ServerName: "localhost", MinVersion: tls.VersionTLS13}), false},
		"PlainText":     {"Nor is one that does not encrypt.", insecure.NewCredentials(), false},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := dial(t, addr, tc.creds).RunFunction(t.Context(), newWorld(t, examples(t)["minimal"]).request())
			if (err == nil) != tc.ok {
				t.Errorf("%s\nRunFunction(...): want served %t, got error %v", tc.reason, tc.ok, err)
			}
		})
	}
}

// TestServeNothingByAccident refuses to start without certificates unless it is
// told to be insecure.
func TestServeNothingByAccident(t *testing.T) {
	err := serve(t.Context(), &cli{Network: "tcp", Address: "127.0.0.1:0"}, newFunction(), prometheus.NewRegistry())
	if err == nil || !strings.Contains(err.Error(), "--tls-certs-dir") {
		t.Errorf("serve(...): want an error that names --tls-certs-dir, got %v", err)
	}
}

// TestServeLargeRequest takes what gRPC by itself would refuse: more than 4 MiB.
func TestServeLargeRequest(t *testing.T) {
	addr, _ := startServer(t, &cli{Insecure: true, MaxRecvMessageSize: 32})

	req := newWorld(t, examples(t)["minimal"]).request()
	req.Context = &structpb.Struct{Fields: map[string]*structpb.Value{"big": structpb.NewStringValue(strings.Repeat("x", 6*mebibyte))}}

	if _, err := dial(t, addr, insecure.NewCredentials()).RunFunction(t.Context(), req); err != nil {
		t.Errorf("RunFunction(6 MiB): unexpected error: %v", err)
	}
}

// TestServeStops reports health while it serves, and ends when it is told to.
func TestServeStops(t *testing.T) {
	addr, stop := startServer(t, &cli{Insecure: true, MaxRecvMessageSize: 4})

	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = conn.Close() }()

	rsp, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil || rsp.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("Check(...): want SERVING, got %v, %v", rsp.GetStatus(), err)
	}

	if err := stop(); err != nil {
		t.Errorf("serve(...): unexpected error after it was told to stop: %v", err)
	}
}

// TestServeDrains lets a call finish that runs when the server is told to stop:
// a pod that is replaced takes no answer away.
func TestServeDrains(t *testing.T) {
	running, finish := make(chan struct{}), make(chan struct{})
	slow := part{name: "slow", compose: func(plan.Plan, facts.Facts, *kit.Desired) {
		close(running)
		<-finish
	}}

	addr, stop := startServer(t, &cli{Insecure: true, MaxRecvMessageSize: 4}, slow)
	client := dial(t, addr, insecure.NewCredentials())
	req := newWorld(t, examples(t)["minimal"]).request()

	called := make(chan error, 1)

	go func() {
		rsp, err := client.RunFunction(context.Background(), req)
		if err == nil && fatal(rsp) != "" {
			err = errors.New(fatal(rsp))
		}

		called <- err
	}()

	<-running

	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()

	// Only a server that has stopped listening has been told to stop.
	for refused := false; !refused; time.Sleep(time.Millisecond) {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if refused = err != nil; !refused {
			_ = c.Close()
		}
	}

	select {
	case err := <-called:
		t.Fatalf("the running call ended with the server: %v", err)
	case err := <-stopped:
		t.Fatalf("the server ended before the running call: %v", err)
	default:
	}

	close(finish)

	if err := <-called; err != nil {
		t.Errorf("the running call: unexpected error: %v", err)
	}

	if err := <-stopped; err != nil {
		t.Errorf("serve(...): unexpected error: %v", err)
	}
}

// TestServeMetrics counts runs by outcome, and how long they took.
func TestServeMetrics(t *testing.T) {
	metricsAddr := freeAddress(t)
	addr, _ := startServer(t, &cli{Insecure: true, MaxRecvMessageSize: 4, MetricsAddress: metricsAddr})
	c := dial(t, addr, insecure.NewCredentials())

	for _, region := range []string{"ap-northeast-1", "nowhere-1"} {
		claim := copyOf(t, examples(t)["minimal"])
		claim["spec"].(map[string]any)["region"] = region

		if _, err := c.RunFunction(t.Context(), newWorld(t, claim).request()); err != nil {
			t.Fatal(err)
		}
	}

	rsp, err := http.Get("http://" + metricsAddr + "/metrics") //nolint:noctx // A test's own server.
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = rsp.Body.Close() }()

	body, err := io.ReadAll(rsp.Body)
	if err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{
		`compose_comfyui_runs_total{outcome="composed"} 1`,
		`compose_comfyui_runs_total{outcome="refused"} 1`,
		"compose_comfyui_run_duration_seconds_count 2",
		"compose_comfyui_desired_resources_count 2",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

// startServer serves on a free port. Stop ends it and returns what serve did.
func startServer(t *testing.T, c *cli, extra ...part) (addr string, stop func() error) {
	t.Helper()

	c.Network, c.Address = "tcp", freeAddress(t)
	registry := prometheus.NewRegistry()
	f := newFunction()
	f.metrics = newMetrics(registry)
	f.parts = append(f.parts, extra...)

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)

	go func() { done <- serve(ctx, c, f, registry) }()

	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})

	t.Cleanup(func() { _ = stop() })

	return c.Address, stop
}

func dial(t *testing.T, addr string, creds credentials.TransportCredentials) fnv1.FunctionRunnerServiceClient {
	t.Helper()

	// The response carries the context back.
	large := grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(32 * mebibyte))

	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(creds), large)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = conn.Close() })

	// The server may not listen yet; refused certificates fail all the same.
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr); err == nil {
			_ = c.Close()
			break
		}

		time.Sleep(10 * time.Millisecond)
	}

	return fnv1.NewFunctionRunnerServiceClient(conn)
}

func freeAddress(t *testing.T) string {
	t.Helper()

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = l.Close() }()

	return l.Addr().String()
}

// writeCertificates writes what Crossplane mounts into a function, and returns
// the TLS of Crossplane itself.
func writeCertificates(t *testing.T, dir string) *tls.Config {
	t.Helper()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	// One certificate is CA, server and client: what is tested is that one is asked for.
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "localhost"},
		DNSNames:              []string{"localhost"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}

	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}

	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}

	crtPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})

	for name, content := range map[string][]byte{"tls.crt": crtPEM, "ca.crt": crtPEM, "tls.key": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	pair, err := tls.X509KeyPair(crtPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}

	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(crtPEM)

	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS13}
}
