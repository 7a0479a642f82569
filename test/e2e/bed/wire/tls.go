package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
)

// TLS is what the proxy shows to both sides, and whom it trusts.
type TLS struct {
	// Pair is signed by the CA, for serving and for logging in.
	Pair pki.Pair
	// CA is Crossplane's, as PEM: it signs the core's client certificate and
	// the function's server certificate.
	CA []byte
}

func (t TLS) load() (tls.Certificate, *x509.CertPool, error) {
	cert, err := tls.X509KeyPair(t.Pair.Cert, t.Pair.Key)
	if err != nil {
		return cert, nil, fmt.Errorf("cannot load the proxy's certificate: %w", err)
	}

	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(t.CA) {
		return cert, nil, errors.New("cannot load the CA: no certificate in it")
	}

	return cert, pool, nil
}

func (t TLS) server() (*tls.Config, error) {
	cert, pool, err := t.load()
	if err != nil {
		return nil, err
	}

	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool,
	}, nil
}

func (t TLS) client() (*tls.Config, error) {
	cert, pool, err := t.load()
	if err != nil {
		return nil, err
	}

	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, RootCAs: pool}, nil
}

// quickReconnect finds a restarted function in a fraction of a second; gRPC's
// default waits up to two minutes.
func quickReconnect() grpc.ConnectParams {
	return grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, MaxDelay: 500 * time.Millisecond},
		MinConnectTimeout: 2 * time.Second,
	}
}
