// Package wire stands between the Crossplane core and a composition function.
// It records every run of the function, and lets a test see, change, delay or
// replace what goes either way. Both sides speak mutual TLS, as they do without
// it, and neither is told that it is there.
package wire

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
)

// maxMessage is far above what a studio needs. gRPC's own limit is 4 MB, and
// a request holds everything observed and desired.
const maxMessage = 256 << 20

// Next runs the function.
type Next func(context.Context, *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error)

// A Hook stands around a run: it may change the request, call next or not,
// and change the response or the error. Requests and responses are its own.
type Hook func(ctx context.Context, req *fnv1.RunFunctionRequest, next Next) (*fnv1.RunFunctionResponse, error)

// Options of a proxy.
type Options struct {
	// Listen is the address that the core is told.
	Listen string
	// Target is the function's address; its certificate must hold the host.
	Target string
	// TLS of both sides.
	TLS TLS
}

// Proxy is a running proxy. Its methods may be called at any time.
type Proxy struct {
	fnv1.UnimplementedFunctionRunnerServiceServer

	server *grpc.Server
	conn   *grpc.ClientConn
	client fnv1.FunctionRunnerServiceClient

	mu    sync.Mutex
	runs  []Run
	hooks map[int]Hook
	next  int // id of the next hook
}

// Start listens and serves until Stop; the context governs the start only. The function need not be there yet.
func Start(ctx context.Context, o Options) (*Proxy, error) {
	srv, err := o.TLS.server()
	if err != nil {
		return nil, err
	}

	cli, err := o.TLS.client()
	if err != nil {
		return nil, err
	}

	conn, err := grpc.NewClient(o.Target,
		grpc.WithTransportCredentials(credentials.NewTLS(cli)),
		// As the core does: a function that starts within the run's deadline
		// is waited for, and found at once when it is back.
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithConnectParams(quickReconnect()),
	)
	if err != nil {
		return nil, fmt.Errorf("cannot prepare a connection to the function at %s: %w", o.Target, err)
	}

	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("cannot listen for the core: %w", err)
	}

	p := &Proxy{
		server: grpc.NewServer(grpc.Creds(credentials.NewTLS(srv)), grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage)),
		conn:   conn,
		client: fnv1.NewFunctionRunnerServiceClient(conn),
		hooks:  map[int]Hook{},
	}
	fnv1.RegisterFunctionRunnerServiceServer(p.server, p)

	// Serve returns when Stop closes the listener.
	go func() { _ = p.server.Serve(lis) }()

	return p, nil
}

// Stop ends the proxy; runs under way are cut off.
func (p *Proxy) Stop() {
	p.server.Stop()
	_ = p.conn.Close()
}

// Use puts a hook around all runs from now on, outside the hooks that are
// there already. The function it returns takes the hook away.
func (p *Proxy) Use(h Hook) (remove func()) {
	p.mu.Lock()
	defer p.mu.Unlock()

	id := p.next
	p.next++
	p.hooks[id] = h

	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()

		delete(p.hooks, id)
	}
}

// RunFunction hands a run to the hooks and the function, and records it.
func (p *Proxy) RunFunction(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	run := Run{Start: time.Now()}
	run.Namespace, run.Name = composite(req)

	sent, err := proto.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("cannot record the request: %w", err)
	}

	run.request = sent

	rsp, err := p.chain()(ctx, req)
	run.Took = time.Since(run.Start)
	run.Err = err

	if rsp != nil {
		answered, err := proto.Marshal(rsp)
		if err != nil {
			return nil, fmt.Errorf("cannot record the response: %w", err)
		}

		run.response = answered
	}

	p.mu.Lock()
	p.runs = append(p.runs, run)
	p.mu.Unlock()

	// The function's error already is a gRPC status, which the core must see.
	return rsp, err
}

// chain is the function with all hooks around it, the newest outermost.
func (p *Proxy) chain() Next {
	p.mu.Lock()
	defer p.mu.Unlock()

	next := func(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
		return p.client.RunFunction(ctx, req)
	}

	for id := range p.next {
		h, ok := p.hooks[id]
		if !ok {
			continue
		}

		inner := next
		next = func(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
			return h(ctx, req, inner)
		}
	}

	return next
}
