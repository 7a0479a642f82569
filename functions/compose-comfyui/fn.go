package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/crossplane/function-sdk-go/logging"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/request"
	"github.com/crossplane/function-sdk-go/resource"
	"github.com/crossplane/function-sdk-go/response"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Function composes studios. It alone knows the SDK's request and response.
type Function struct {
	fnv1.UnimplementedFunctionRunnerServiceServer

	log     logging.Logger
	metrics *metrics
	parts   []part
	release plan.Release
	// random is where the seed of a new studio comes from.
	random io.Reader
}

// RunFunction composes one studio. It is pure but for one thing: while a studio's
// Secret was never observed, every run draws a seed for it. Otherwise the same
// request gives the same response. Whatever goes wrong is one Fatal result that
// names the field or the resource, never a transport error and never a panic:
// Crossplane stops at a Fatal before it deletes or applies anything.
func (f *Function) RunFunction(_ context.Context, req *fnv1.RunFunctionRequest) (rsp *fnv1.RunFunctionResponse, _ error) {
	start := time.Now()
	log := f.log.WithValues("tag", req.GetMeta().GetTag())
	rsp = response.To(req, convergingTTL)

	defer func() {
		if r := recover(); r != nil {
			log.Info("Recovered from a panic", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			// What was composed up to there is not an answer.
			rsp = response.To(req, convergingTTL)
			response.Fatal(rsp, fmt.Errorf("cannot compose the studio: internal error: %v; please report it", r))
		}

		f.metrics.observe(rsp, time.Since(start))
		log.Debug("Ran", "resources", len(rsp.GetDesired().GetResources()), "results", len(rsp.GetResults()), "took", time.Since(start))
	}()

	if err := f.compose(req, rsp); err != nil {
		log.Info("Cannot compose the studio", "error", err)
		response.Fatal(rsp, err)
	}

	return rsp, nil
}

func (f *Function) compose(req *fnv1.RunFunctionRequest, rsp *fnv1.RunFunctionResponse) error {
	a, err := decide(req, f.parts, f.release, f.random)
	if err != nil {
		return oneLine(err)
	}

	return respond(rsp, a)
}

// decide is the whole way from a request to what the answer says.
func decide(req *fnv1.RunFunctionRequest, parts []part, release plan.Release, random io.Reader) (answer, error) {
	xr, oxr, err := claim(req)
	if err != nil {
		return answer{}, err
	}

	p, err := plan.New(xr)
	if err != nil {
		return answer{}, err
	}

	p = p.WithRelease(release)

	seen := observedResources(req, p)
	observed := kit.NewObserved(seen, readyOnceSeen).Unless(unfinished).Ageless(readyAtAnyAge)

	// What a claim has is its own, whoever else has left something.
	if len(seen) == 0 {
		left, err := predecessors(req, oxr)
		if err != nil {
			return answer{}, err
		}

		observed = observed.Behind(left)
	}

	f, err := facts.From(p, observed, xr.Status)
	if err != nil {
		return answer{}, err
	}

	f.Workload, err = drawSeed(random, xr, p, f.Workload)
	if err != nil {
		return answer{}, err
	}

	p = p.InAccount(f.Account).Running(f.Image.Agent)
	d := kit.NewDesired(p, observed)

	for _, part := range parts {
		part.compose(p, f, d)
	}

	result, err := d.Result()
	if err != nil {
		return answer{}, err
	}

	return answer{parts: parts, claim: xr, observedClaim: oxr, plan: p, facts: f, observed: observed, result: result, kinds: d.Kinds}, nil
}

// observedResources are those of the claim, without what an earlier function of
// the pipeline composes: that is its own business.
func observedResources(req *fnv1.RunFunctionRequest, p plan.Plan) map[kit.Key]*structpb.Struct {
	out := make(map[kit.Key]*structpb.Struct, len(req.GetObserved().GetResources()))

	for k, r := range req.GetObserved().GetResources() {
		if req.GetDesired().GetResources()[k] == nil || p.Known(kit.Key(k)) {
			out[kit.Key(k)] = r.GetResource()
		}
	}

	return out
}

// claim reads the composite resource, typed and as it came.
func claim(req *fnv1.RunFunctionRequest) (*v1alpha1.ComfyUIStudio, *resource.Composite, error) {
	if req.GetObserved().GetComposite().GetResource() == nil {
		return nil, nil, errors.New("cannot read the claim: the request holds none")
	}

	oxr, err := request.GetObservedCompositeResource(req)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the claim: %w", err)
	}

	xr := &v1alpha1.ComfyUIStudio{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(oxr.Resource.Object, xr); err != nil {
		return nil, nil, fmt.Errorf("cannot read the claim: %w", err)
	}

	return xr, oxr, nil
}

// oneLine joins several errors into one result: people read results in a table.
func oneLine(err error) error {
	return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
}
