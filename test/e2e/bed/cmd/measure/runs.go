package main

import (
	"context"
	"sync"
	"time"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
)

// A run is one run of the function.
type run struct {
	namespace string
	start     time.Time
	took      time.Duration
}

// runs writes down the runs of the function. The wire has them too, with all
// that was said, which for some hundred runs of a large studio is gigabytes.
type runs struct {
	mu  sync.Mutex
	all []run
}

// hook is to be the first hook, so that it stands closest to the function.
func (r *runs) hook(ctx context.Context, req *fnv1.RunFunctionRequest, next wire.Next) (*fnv1.RunFunctionResponse, error) {
	start := time.Now()
	rsp, err := next(ctx, req)
	took := time.Since(start)

	r.mu.Lock()
	defer r.mu.Unlock()

	r.all = append(r.all, run{namespace: namespaceOf(req), start: start, took: took})

	return rsp, err
}

// between are the runs of a namespace that began between two times.
func (r *runs) between(namespace string, from, to time.Time) []run {
	r.mu.Lock()
	defer r.mu.Unlock()

	var out []run

	for _, x := range r.all {
		if x.namespace == namespace && !x.start.Before(from) && x.start.Before(to) {
			out = append(out, x)
		}
	}

	return out
}

// withTTL makes answers good for longer than the function said.
func withTTL(ttl time.Duration) wire.Hook {
	return func(ctx context.Context, req *fnv1.RunFunctionRequest, next wire.Next) (*fnv1.RunFunctionResponse, error) {
		rsp, err := next(ctx, req)
		if meta := rsp.GetMeta(); err == nil && meta != nil {
			meta.Ttl = durationpb.New(ttl)
		}

		return rsp, err
	}
}
