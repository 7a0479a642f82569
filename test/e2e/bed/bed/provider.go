package bed

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/provider"
)

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

	out, err := os.OpenFile(b.logFile("provider"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot open the log of the provider: %w", err)
	}

	o := b.o.Provider
	o.CheckProviderConfig = true

	if o.Kubeconfig == nil && b.behind.fleet != nil {
		o.Kubeconfig = b.behind.fleet.Kubeconfig
	}

	if o.Log == nil {
		o.Log = log.New(out, "", log.LstdFlags|log.Lmicroseconds).Printf
	}

	p, err := provider.New(b.config, b.double.aws, o)
	if err != nil {
		return errors.Join(fmt.Errorf("cannot start the provider: %w", err), out.Close())
	}

	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan struct{})
	b.double.cancel, b.double.done = cancel, done

	go func() {
		defer close(done)
		defer out.Close()

		if err := p.Run(ctx); err != nil && ctx.Err() == nil {
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
