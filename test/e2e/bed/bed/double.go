package bed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// providerConfig is what the studio's managed resources name. Its credentials
// are never used: the provider is simulated.
const providerConfig = `
apiVersion: aws.m.upbound.io/v1beta1
kind: ClusterProviderConfig
metadata:
  name: default
spec:
  credentials:
    source: None
`

// double is the simulated AWS and the provider in front of it. AWS outlives
// every provider.
type double struct {
	aws    *cloud.AWS
	server *http.Server
	cancel context.CancelFunc // of the provider, nil when it does not run
	done   chan struct{}      // closed when the provider has ended
}

// startDouble opens the account, serves its ledger and starts the provider.
func (b *Bed) startDouble(ctx context.Context) error {
	aws := cloud.New(cloud.Options{Scale: b.o.Scale})

	for _, f := range b.o.Faults {
		fault, err := cloud.ParseFault(f)
		if err != nil {
			return err
		}

		if err := aws.SetFaults(fault); err != nil {
			return err
		}
	}

	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopback(b.ports.ledger))
	if err != nil {
		return fmt.Errorf("cannot listen for the ledger: %w", err)
	}

	b.double = &double{aws: aws, server: &http.Server{Handler: aws.Handler(), ReadHeaderTimeout: 10 * time.Second}}

	// Serve returns when stopDouble closes the server.
	go func() { _ = b.double.server.Serve(l) }()

	if _, err := b.Apply(ctx, providerConfig); err != nil {
		return err
	}

	return b.StartProvider()
}

func (b *Bed) stopDouble() error {
	if b.double == nil {
		return nil
	}

	b.StopProvider()

	if err := b.double.server.Close(); err != nil {
		return fmt.Errorf("cannot close the ledger: %w", err)
	}

	return nil
}

// Cloud is the simulated AWS.
func (b *Bed) Cloud() *cloud.AWS { return b.double.aws }

// LedgerURL is where the ledger is served, for other processes.
func (b *Bed) LedgerURL() string { return "http://" + loopback(b.ports.ledger) + "/ledger" }

// StopProvider ends the provider in the middle of whatever it does: it forgets
// what it has not written to the API server. AWS goes on.
func (b *Bed) StopProvider() {
	if b.double.cancel == nil {
		return
	}

	b.double.cancel()
	<-b.double.done
	b.double.cancel = nil
}

// StartProvider starts a new provider in front of the same AWS.
func (b *Bed) StartProvider() error {
	if b.double.cancel != nil {
		return errors.New("cannot start the provider: it runs already")
	}

	run, err := newProvider(b.Config(), b.double.aws)
	if err != nil {
		return fmt.Errorf("cannot start the provider: %w", err)
	}

	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan struct{})
	b.double.cancel, b.double.done = cancel, done

	go func() {
		defer close(done)

		if err := run(ctx); err != nil && ctx.Err() == nil {
			b.cancel(fmt.Errorf("the provider ended: %w", err))
		}
	}()

	return nil
}

// RestartProvider replaces the provider by a new one, in front of the same AWS.
func (b *Bed) RestartProvider() error {
	b.StopProvider()
	return b.StartProvider()
}
