package wire

import (
	"context"
	"fmt"
	"net"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Serve runs a function in this process, as a function's own program would
// with these certificates, until stop is called; the
// context governs the start only. Stop cuts off runs under way.
func Serve(ctx context.Context, listen string, t TLS, fn fnv1.FunctionRunnerServiceServer) (stop func(), err error) {
	cfg, err := t.server()
	if err != nil {
		return nil, err
	}

	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the function: %w", err)
	}

	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(cfg)), grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	fnv1.RegisterFunctionRunnerServiceServer(s, fn)

	go func() { _ = s.Serve(lis) }()

	return s.Stop, nil
}
