// Command clusters starts an API server as EKS has it, with Kubernetes' own
// controllers and without nodes, for tests of another module. It prints the path of
// an administrator's kubeconfig, and ends when its input does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/clustertest"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	c, err := clustertest.Start(ctx)
	if err != nil {
		return err
	}

	fmt.Println(c.Workload.Kubeconfig)

	_, err = io.Copy(io.Discard, os.Stdin)

	return errors.Join(err, c.Stop())
}
