package bed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
)

// agentRelease is a studio-agent that nobody built: the simulated CodeBuild
// mirrors whatever it is asked to.
const agentRelease = `
image: registry.example.com/comfyui-studio/studio-agent
digest: sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
nodeDaemonSHA256: b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2
lambdaSHA256: c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3
modelFetcherSHA256: d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4
`

func (b *Bed) tls() wire.TLS { return wire.TLS{Pair: b.functionPair, CA: b.caRoot.Cert} }

// functionEndpoint is where the core finds the function: the proxy, if any.
func (b *Bed) functionEndpoint() string {
	if b.proxy != nil {
		return loopback(b.ports.proxy)
	}

	return loopback(b.ports.function)
}

func (b *Bed) startFunction(ctx context.Context) error {
	if b.o.Record {
		p, err := wire.Start(ctx, wire.Options{Listen: loopback(b.ports.proxy), Target: loopback(b.ports.function), TLS: b.tls()})
		if err != nil {
			return err
		}

		b.proxy = p
	}

	return b.StartFunction(ctx)
}

// StartFunction starts the function after KillFunction, on the same port, and
// waits until it listens.
func (b *Bed) StartFunction(ctx context.Context) error {
	ctx, cancel := b.within(ctx)
	defer cancel()

	address := loopback(b.ports.function)

	if b.o.Function != nil {
		b.mu.Lock()
		defer b.mu.Unlock()

		if b.stopFunction != nil {
			return errors.New("cannot start the function: it runs already")
		}

		stop, err := wire.Serve(ctx, address, b.tls(), b.o.Function)
		b.stopFunction = stop

		return err
	}

	release := filepath.Join(b.o.Dir, "agent-release.yaml")
	if err := os.WriteFile(release, []byte(agentRelease), 0o600); err != nil {
		return fmt.Errorf("cannot write the release of studio-agent: %w", err)
	}

	err := b.spawn("function", b.functionBinary(), nil, append([]string{
		"--address=" + address,
		"--tls-certs-dir=" + b.coreDir("function"),
		"--metrics-address=" + loopback(b.ports.metrics),
		"--agent-release=" + release,
	}, b.o.FunctionArgs...))
	if err != nil {
		return err
	}

	return awaitListener(ctx, address)
}

// functionBinary is the function's program: in a bed with packages the one that was
// last taken out of an image.
func (b *Bed) functionBinary() string {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.o.FunctionBinary
}

// KillFunction kills the function, as a node failure would.
func (b *Bed) KillFunction() error {
	b.mu.Lock()
	stop := b.stopFunction
	b.stopFunction = nil
	b.mu.Unlock()

	if stop != nil {
		stop()
	}

	return b.stop("function", 0)
}

// FunctionMetricsURL serves the function's Prometheus metrics.
func (b *Bed) FunctionMetricsURL() string {
	return "http://" + loopback(b.ports.metrics) + "/metrics"
}
