// Package helm runs the real provider-helm for a bed, with the real charts of
// what a studio installs.
//
// The provider looks into a cache of charts before it pulls one. The bed fills
// that cache from the projects' Go modules (FillCache), so that nothing is
// pulled, and a Release of anything else fails as one with a wrong name would.
// Nothing of the provider is changed but two variables at link time: where its
// cache is, and that it serves no metrics (upstream has no flag for the port).
// See hack/provider-helm.
//
// The charts are packed as their release processes do it, with one addition: a
// schema of the values, so that a value the chart does not know is refused.
package helm

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
)

// Poll is how often the provider looks at a Release that is up to date, in
// simulated time: its default. What failed it tries again after a second, then
// two, up to a minute of real time; no flag changes that.
const Poll = 10 * time.Minute

// Options say what to run.
type Options struct {
	// Binary is the provider, built by hack/provider-helm/build.sh.
	Binary string
	// Kubeconfig of the management cluster.
	Kubeconfig string
	// Scale is the number of simulated seconds in a real one.
	Scale float64
	// Output gets what the provider prints.
	Output *os.File
}

// CacheDir is the cache of a provider that is built into a directory.
func CacheDir(binary string) string { return filepath.Join(filepath.Dir(binary), "..", "charts") }

// Args are the provider's arguments.
func Args(scale float64) []string {
	return []string{"--poll=" + max(time.Second, time.Duration(float64(Poll)/scale)).String()}
}

// Env is the provider's environment beside this process's.
func Env(kubeconfig string) []string {
	// It looks for credentials of registries in AWS: from a bed nobody asks AWS.
	return []string{"KUBECONFIG=" + kubeconfig, "AWS_EC2_METADATA_DISABLED=true"}
}

// Start starts the provider on a leash. Its CRDs must be served, and its cache
// filled.
func Start(o Options) (*leash.Process, error) {
	return leash.Start(leash.Command{
		Name: "provider-helm", Path: o.Binary, Args: Args(o.Scale), Env: Env(o.Kubeconfig), Output: o.Output,
	})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
