package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
)

const (
	mebibyte = 1 << 20
	// drain is how long running requests may still take when the process is told
	// to stop. A run takes milliseconds.
	drain = 10 * time.Second
)

// serve answers gRPC calls until ctx ends, then lets running ones finish. The
// SDK's own Serve neither reports health nor ends other than by being killed.
func serve(ctx context.Context, c *cli, f *Function, registry *prometheus.Registry) error {
	creds, err := transport(c)
	if err != nil {
		return err
	}

	listener, err := (&net.ListenConfig{}).Listen(ctx, c.Network, c.Address)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}

	srv := grpc.NewServer(grpc.Creds(creds), grpc.MaxRecvMsgSize(c.MaxRecvMessageSize*mebibyte))
	fnv1.RegisterFunctionRunnerServiceServer(srv, f)
	reflection.Register(srv)

	h := health.NewServer()
	healthv1.RegisterHealthServer(srv, h)

	if c.MetricsAddress != "" {
		m, err := serveMetrics(ctx, c.MetricsAddress, registry)
		if err != nil {
			return err
		}

		defer func() { _ = m.Close() }()
	}

	go func() {
		<-ctx.Done()
		h.Shutdown()

		hard := time.AfterFunc(drain, srv.Stop)
		defer hard.Stop()

		srv.GracefulStop()
	}()

	f.log.Info("Serving", "address", listener.Addr().String(), "mtls", !c.Insecure)

	if err := srv.Serve(listener); err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}

	return nil
}

// transport is mTLS, unless --insecure says otherwise: Crossplane's certificate
// is the only one that may call.
func transport(c *cli) (credentials.TransportCredentials, error) {
	if c.Insecure {
		return insecure.NewCredentials(), nil
	}

	if c.TLSCertsDir == "" {
		return nil, errors.New("cannot serve: give --tls-certs-dir, or --insecure for local use")
	}

	pair, err := tls.LoadX509KeyPair(filepath.Join(c.TLSCertsDir, "tls.crt"), filepath.Join(c.TLSCertsDir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("cannot load the server certificate: %w", err)
	}

	ca, err := os.ReadFile(filepath.Clean(filepath.Join(c.TLSCertsDir, "ca.crt")))
	if err != nil {
		return nil, fmt.Errorf("cannot load the CA certificate: %w", err)
	}

	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("cannot load the CA certificate: ca.crt holds none")
	}

	return credentials.NewTLS(&tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{pair},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}), nil
}

func serveMetrics(ctx context.Context, address string, registry *prometheus.Registry) (*http.Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for metrics: %w", err)
	}

	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	srv := &http.Server{Handler: mux, ReadHeaderTimeout: drain}

	go func() { _ = srv.Serve(listener) }()

	return srv, nil
}
