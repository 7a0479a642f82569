package workcluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"k8s.io/client-go/rest"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
)

// startPatience is how long a request waits for an API server that starts. In
// AWS it is there when the cluster is ACTIVE; here ACTIVE may come sooner.
const startPatience = time.Minute

// unauthorized is what a kube-apiserver answers to who it does not know.
const unauthorized = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}` + "\n"

// endpoint is where a cluster's clients connect to.
type endpoint struct {
	// Listen is the address, Pair the certificate.
	Listen string
	Pair   pki.Pair
	// Admin leads to the API server behind.
	Admin *rest.Config
	// Ready is closed when that answers.
	Ready <-chan struct{}
	// Allowed tells whether the Authorization header of a request lets it in.
	Allowed func(authorization string) bool
}

// serve serves until the context ends.
func (e endpoint) serve(ctx context.Context) error {
	h, err := e.handler()
	if err != nil {
		return err
	}

	cert, err := tls.X509KeyPair(e.Pair.Cert, e.Pair.Key)
	if err != nil {
		return fmt.Errorf("cannot read the certificate of the endpoint: %w", err)
	}

	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", e.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen for the endpoint: %w", err)
	}

	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		// A client that goes away in the middle of an answer is no news.
		ErrorLog: log.New(io.Discard, "", 0),
	}

	context.AfterFunc(ctx, func() { _ = s.Close() })

	// It returns when the context has ended.
	go func() { _ = s.ServeTLS(l, "", "") }()

	return nil
}

// handler lets requests through that are allowed. Watches and upgrades stay
// open for as long as both sides like: a token is looked at once, as EKS does.
func (e endpoint) handler() (http.Handler, error) {
	target, err := url.Parse(e.Admin.Host)
	if err != nil {
		return nil, fmt.Errorf("cannot read the address of the API server: %w", err)
	}

	transport, err := rest.TransportFor(e.Admin)
	if err != nil {
		return nil, fmt.Errorf("cannot make a transport to the API server: %w", err)
	}

	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			// The API server knows the endpoint by its certificate.
			r.Out.Header.Del("Authorization")
		},
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if errors.Is(err, context.Canceled) {
				return
			}

			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		},
	}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !e.Allowed(r.Header.Get("Authorization")) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, unauthorized)

			return
		}

		select {
		case <-e.Ready:
			proxy.ServeHTTP(w, r)
		case <-r.Context().Done():
		case <-time.After(startPatience):
			http.Error(w, "the API server does not answer yet", http.StatusServiceUnavailable)
		}
	}), nil
}
