package awstest

import (
	"context"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/clustertest"
)

// Play plays the studio's workload in a cluster until the test ends. It outlives the
// test's context: what the test made goes with its help.
func (s *Studio) Play(admin *rest.Config) {
	s.tb.Helper()

	log, err := os.Create(filepath.Join(s.tb.TempDir(), "kwok.log"))
	if err != nil {
		s.tb.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)

	go func() {
		done <- workload.Run(ctx, workload.Options{
			Admin: admin, Cluster: Cluster, Region: Region, AWS: s.AWS, Kwok: clustertest.Bin("kwok"), Log: log, Logf: s.tb.Logf,
		})
	}()

	s.tb.Cleanup(func() {
		cancel()

		if err := <-done; err != nil {
			data, _ := os.ReadFile(log.Name())
			s.tb.Errorf("Run: %v\n%s", err, data)
		}

		_ = log.Close()
	})
}
