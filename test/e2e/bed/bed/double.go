package bed

import (
	"context"
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

	b.startFleet(aws)

	if err := b.startObjects(aws); err != nil {
		return err
	}

	b.double = &double{aws: aws, server: &http.Server{Handler: aws.Handler(), ReadHeaderTimeout: 10 * time.Second}}

	// Serve returns when stopDouble closes the server.
	go func() { _ = b.double.server.Serve(l) }()

	if _, err := b.Apply(ctx, providerConfig); err != nil {
		return err
	}

	return b.StartProvider() //nolint:contextcheck // It outlives the start.
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
