package wire

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
)

// fn answers with the tag of the request, or with an error.
type fn struct {
	fnv1.UnimplementedFunctionRunnerServiceServer

	err error
}

func (f fn) RunFunction(_ context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	if f.err != nil {
		return nil, f.err
	}

	return response(req.GetMeta().GetTag()), nil
}

func request(tag string) *fnv1.RunFunctionRequest {
	xr, err := structpb.NewStruct(map[string]any{"metadata": map[string]any{"namespace": "art", "name": "tokyo"}})
	if err != nil {
		panic(err) // The literal above is a mistake.
	}

	return &fnv1.RunFunctionRequest{
		Meta:     &fnv1.RequestMeta{Tag: tag},
		Observed: &fnv1.State{Composite: &fnv1.Resource{Resource: xr}},
	}
}

func response(tag string) *fnv1.RunFunctionResponse {
	return &fnv1.RunFunctionResponse{Meta: &fnv1.ResponseMeta{Tag: tag}}
}

func freeAddress(t *testing.T) string {
	t.Helper()

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}

	defer l.Close()

	return l.Addr().String()
}

func newTLS(t *testing.T, ca *pki.CA) TLS {
	t.Helper()

	pair, err := ca.Issue(pkix.Name{CommonName: "test"}, "localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}

	return TLS{Pair: pair, CA: ca.Cert}
}

// bench is a core, a proxy and (the address of) a function.
type bench struct {
	proxy  *Proxy
	core   fnv1.FunctionRunnerServiceClient
	target string
	tls    TLS
}

func newBench(t *testing.T) bench {
	t.Helper()

	ca, err := pki.NewCA("crossplane")
	if err != nil {
		t.Fatal(err)
	}

	b := bench{target: freeAddress(t), tls: newTLS(t, ca)}
	listen := freeAddress(t)

	b.proxy, err = Start(t.Context(), Options{Listen: listen, Target: b.target, TLS: b.tls})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(b.proxy.Stop)

	b.core = dial(t, listen, newTLS(t, ca))

	return b
}

func dial(t *testing.T, address string, tl TLS) fnv1.FunctionRunnerServiceClient {
	t.Helper()

	cfg, err := tl.client()
	if err != nil {
		t.Fatal(err)
	}

	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(cfg)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = conn.Close() })

	return fnv1.NewFunctionRunnerServiceClient(conn)
}

func (b bench) serve(t *testing.T, f fnv1.FunctionRunnerServiceServer) (stop func()) {
	t.Helper()

	stop, err := Serve(t.Context(), b.target, b.tls, f)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	return stop
}

func TestRunFunction(t *testing.T) {
	type want struct {
		rsp  *fnv1.RunFunctionResponse
		code codes.Code
	}

	cases := map[string]struct {
		reason string
		fn     fn
		hooks  []Hook
		want   want
	}{
		"PassThrough": {
			reason: "Without hooks the function's answer goes to the core.",
			want:   want{rsp: response("a")},
		},
		"FunctionError": {
			reason: "The function's gRPC error goes to the core as it is.",
			fn:     fn{err: status.Error(codes.ResourceExhausted, "too much")},
			want:   want{code: codes.ResourceExhausted},
		},
		"TamperRequest": {
			reason: "The function sees what a hook made of the request.",
			hooks: []Hook{func(ctx context.Context, req *fnv1.RunFunctionRequest, next Next) (*fnv1.RunFunctionResponse, error) {
				req.Meta.Tag = "b"
				return next(ctx, req)
			}},
			want: want{rsp: response("b")},
		},
		"TamperResponse": {
			reason: "Hooks nest, the newest outermost.",
			hooks:  []Hook{suffix("1"), suffix("2")},
			want:   want{rsp: response("a12")},
		},
		"AnswerInstead": {
			reason: "A hook that does not call next answers for the function.",
			fn:     fn{err: errors.New("must not be called")},
			hooks: []Hook{func(context.Context, *fnv1.RunFunctionRequest, Next) (*fnv1.RunFunctionResponse, error) {
				return response("own"), nil
			}},
			want: want{rsp: response("own")},
		},
		"Fail": {
			reason: "A hook can fail the run.",
			hooks: []Hook{func(context.Context, *fnv1.RunFunctionRequest, Next) (*fnv1.RunFunctionResponse, error) {
				return nil, status.Error(codes.Unavailable, "planted")
			}},
			want: want{code: codes.Unavailable},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.serve(t, tc.fn)

			for _, h := range tc.hooks {
				b.proxy.Use(h)
			}

			got, err := b.core.RunFunction(t.Context(), request("a"))
			if diff := cmp.Diff(tc.want.rsp, got, protocmp.Transform()); diff != "" {
				t.Errorf("%s\nRunFunction(...): -want, +got:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.want.code, status.Code(err)); diff != "" {
				t.Errorf("%s\nRunFunction(...): -want code, +got code:\n%s\n%v", tc.reason, diff, err)
			}

			checkRecord(t, b.proxy, tc.want.rsp, tc.want.code)
		})
	}
}

func suffix(s string) Hook {
	return func(ctx context.Context, req *fnv1.RunFunctionRequest, next Next) (*fnv1.RunFunctionResponse, error) {
		rsp, err := next(ctx, req)
		rsp.Meta.Tag += s

		return rsp, err
	}
}

// checkRecord compares the one recorded run with what the core saw.
func checkRecord(t *testing.T, p *Proxy, rsp *fnv1.RunFunctionResponse, code codes.Code) {
	t.Helper()

	runs := p.RunsOf("art", "tokyo")
	if len(runs) != 1 {
		t.Fatalf("RunsOf(art, tokyo): want 1 run, got %d", len(runs))
	}

	req, err := runs[0].Request()
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(request("a"), req, protocmp.Transform()); diff != "" {
		t.Errorf("Request(): -want, +got:\n%s", diff)
	}

	got, err := runs[0].Response()
	if err != nil {
		t.Fatal(err)
	}

	if rsp == nil {
		rsp = &fnv1.RunFunctionResponse{}
	}

	if diff := cmp.Diff(rsp, got, protocmp.Transform()); diff != "" {
		t.Errorf("Response(): -want, +got:\n%s", diff)
	}

	if diff := cmp.Diff(code, status.Code(runs[0].Err)); diff != "" {
		t.Errorf("Err: -want code, +got code:\n%s", diff)
	}

	if n := len(p.RunsOf("art", "osaka")); n != 0 {
		t.Errorf("RunsOf(art, osaka): want no run, got %d", n)
	}

	p.Forget()

	if n := len(p.Runs()); n != 0 {
		t.Errorf("Runs() after Forget(): want no run, got %d", n)
	}
}

func TestRemoveHook(t *testing.T) {
	b := newBench(t)
	b.serve(t, fn{})

	remove := b.proxy.Use(suffix("1"))
	b.proxy.Use(suffix("2"))
	remove()

	got, err := b.core.RunFunction(t.Context(), request("a"))
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(response("a2"), got, protocmp.Transform()); diff != "" {
		t.Errorf("RunFunction(...): -want, +got:\n%s", diff)
	}
}

func TestFunctionRestarts(t *testing.T) {
	b := newBench(t)
	b.serve(t, fn{})()

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()

	if _, err := b.core.RunFunction(ctx, request("a")); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("RunFunction(...) without a function: want %v, got %v", codes.DeadlineExceeded, err)
	}

	b.serve(t, fn{})

	ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()

	if _, err := b.core.RunFunction(ctx, request("a")); err != nil {
		t.Errorf("RunFunction(...) after the function is back: %v", err)
	}
}

func TestLargeMessages(t *testing.T) {
	b := newBench(t)
	b.serve(t, fn{})

	// Above gRPC's limit of 4 MB, both ways.
	tag := strings.Repeat("x", 10<<20)

	got, err := b.core.RunFunction(t.Context(), request(tag))
	if err != nil {
		t.Fatal(err)
	}

	if len(got.GetMeta().GetTag()) != len(tag) {
		t.Errorf("RunFunction(...): want %d bytes back, got %d", len(tag), len(got.GetMeta().GetTag()))
	}
}

func TestStrangersAreRefused(t *testing.T) {
	b := newBench(t)
	b.serve(t, fn{})

	// A server of another CA, reached by a client that trusts both.
	other, err := pki.NewCA("other")
	if err != nil {
		t.Fatal(err)
	}

	stranger := newTLS(t, other)
	stranger.CA = append(stranger.CA, b.tls.CA...)

	listen := freeAddress(t)

	p, err := Start(t.Context(), Options{Listen: listen, Target: b.target, TLS: b.tls})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(p.Stop)

	if _, err := dial(t, listen, stranger).RunFunction(t.Context(), request("a")); status.Code(err) != codes.Unavailable {
		t.Errorf("RunFunction(...) with a stranger's certificate: want %v, got %v", codes.Unavailable, err)
	}

	if n := len(p.Runs()); n != 0 {
		t.Errorf("Runs(): want none, got %d", n)
	}
}
