package whole

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/bed"
)

const (
	// scale leaves a token at least five real seconds when it is read. Helm needs
	// some of them: when its token ends in the middle of an install, the release
	// says for ever that an operation is in progress.
	scale = 60
	// patience bounds a wait. It is far above what anything takes.
	patience = 6 * time.Minute
)

// shared is the bed that every test of the package runs on.
var shared *bed.Bed

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	root, err := bed.FindRoot()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	shared, err = bed.Start(ctx, bed.Options{Root: root, Scale: scale, Workload: bed.Real})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	defer func() {
		if err := shared.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()

	return m.Run()
}
