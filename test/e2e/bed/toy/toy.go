// Package toy is the smallest composition that the bed's own tests can run: a
// Toy, whose function composes one ConfigMap that holds the toy's colour. Its
// manifests are in apis.
package toy

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
)

// Function composes toys.
type Function struct {
	fnv1.UnimplementedFunctionRunnerServiceServer
}

// RunFunction composes a toy's box, which is ready once it is seen.
func (Function) RunFunction(_ context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	spec := req.GetObserved().GetComposite().GetResource().GetFields()["spec"].GetStructValue()

	box, err := structpb.NewStruct(map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMap",
		"data":       map[string]any{"colour": spec.GetFields()["colour"].GetStringValue()},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot compose the box: %w", err)
	}

	ready := fnv1.Ready_READY_FALSE
	if _, ok := req.GetObserved().GetResources()["box"]; ok {
		ready = fnv1.Ready_READY_TRUE
	}

	return &fnv1.RunFunctionResponse{
		Meta:    &fnv1.ResponseMeta{Tag: req.GetMeta().GetTag(), Ttl: durationpb.New(time.Minute)},
		Desired: &fnv1.State{Resources: map[string]*fnv1.Resource{"box": {Resource: box, Ready: ready}}},
	}, nil
}

// Asked says whether a command line is one that the bed gives to a function.
// It lets a test binary be the function's program, too.
func Asked(args []string) bool {
	return len(args) > 1 && strings.HasPrefix(args[1], "--address=")
}

// Main is the function's program. It returns only when it cannot serve.
func Main(args []string) error {
	fs := flag.NewFlagSet("toy", flag.ContinueOnError)
	address := fs.String("address", "", "where to listen")
	certs := fs.String("tls-certs-dir", "", "directory with ca.crt, tls.crt and tls.key")
	fs.String("metrics-address", "", "not served")
	fs.String("agent-release", "", "not read")

	if err := fs.Parse(args[1:]); err != nil {
		return fmt.Errorf("cannot parse flags: %w", err)
	}

	files := map[string][]byte{"ca.crt": nil, "tls.crt": nil, "tls.key": nil}
	for name := range files {
		data, err := os.ReadFile(filepath.Join(*certs, name))
		if err != nil {
			return fmt.Errorf("cannot read certificates: %w", err)
		}

		files[name] = data
	}

	t := wire.TLS{Pair: pki.Pair{Cert: files["tls.crt"], Key: files["tls.key"]}, CA: files["ca.crt"]}
	if _, err := wire.Serve(context.Background(), *address, t, Function{}); err != nil {
		return err
	}

	select {}
}
