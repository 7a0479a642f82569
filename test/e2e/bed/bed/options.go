package bed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/packages"
)

// The files of Options.APIs.
const (
	definitionFile  = "definition.yaml"
	compositionFile = "composition.yaml"
	activationFile  = "activation.yaml"
)

// Workload says what stands behind a studio's EKS cluster.
type Workload int

const (
	// Light is no Kubernetes at all: package objects answers for
	// provider-kubernetes, provider-helm and what they would find.
	Light Workload = iota
	// Real is a Kubernetes API per cluster and the real provider-kubernetes.
	Real
)

// FindRoot finds the root of the repository from the working directory up.
func FindRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("cannot find the repository: %w", err)
	}

	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "test", "e2e", "bed", "go.mod")); err == nil {
			return d, nil
		}

		if d == filepath.Dir(d) {
			return "", fmt.Errorf("cannot find the repository: %s is not inside it", dir)
		}
	}
}

// complete fills in the defaults and checks that what is to run is there.
func (o *Options) complete() error {
	if o.Root == "" {
		return errors.New("cannot start a bed: Options.Root is empty")
	}

	def := func(s *string, path ...string) {
		if *s == "" {
			*s = filepath.Join(append([]string{o.Root}, path...)...)
		}
	}
	def(&o.ControlPlaneBinary, "_output", "bin", "controlplane")
	def(&o.KubernetesProviderBinary, "_output", "bin", "provider-kubernetes")
	def(&o.HelmProviderBinary, "_output", "bin", "provider-helm")
	def(&o.KwokBinary, "_output", "bin", "kwok")
	def(&o.FunctionBinary, "_output", "bin", "compose-comfyui")
	def(&o.APIs, "apis", "comfyuistudios")

	if o.Scale == 0 {
		o.Scale = DefaultScale
	}

	if _, err := os.Stat(o.ControlPlaneBinary); err != nil {
		return fmt.Errorf("the control plane is not built, run `make bed-build` (about ten CPU minutes the first time): %w", err)
	}

	if o.Packages != "" {
		if _, err := packages.List(o.Packages); err != nil {
			return fmt.Errorf("the packages are not made, run `make bed-build`: %w", err)
		}
	} else if o.Function == nil {
		if _, err := os.Stat(o.FunctionBinary); err != nil {
			return fmt.Errorf("the composition function is not built, run `make build`: %w", err)
		}
	}

	for _, binary := range []string{o.KubernetesProviderBinary, o.HelmProviderBinary, o.KwokBinary} {
		if _, err := os.Stat(binary); err != nil && o.Workload == Real {
			return fmt.Errorf("a program behind real clusters is not built, run `make bed-build`: %w", err)
		}
	}

	if o.Dir == "" {
		return nil
	}

	// Child processes get paths; they must not depend on the working directory.
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("cannot resolve %s: %w", o.Dir, err)
	}

	o.Dir = dir

	return nil
}

// Fingerprint tells builds of the function and the API apart: a bed that was
// started with others is not what a new one would be.
func (o *Options) Fingerprint() (string, error) {
	if err := o.complete(); err != nil {
		return "", err
	}

	h := sha256.New()

	files := []string{
		o.FunctionBinary,
		filepath.Join(o.APIs, definitionFile),
		filepath.Join(o.APIs, compositionFile),
		filepath.Join(o.APIs, activationFile),
	}
	if o.Packages != "" {
		// It has the digests of all others.
		files = []string{filepath.Join(o.Packages, packages.ListFile)}
	}

	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("cannot read what the bed is to run: %w", err)
		}

		_, err = io.Copy(h, f)
		_ = f.Close()

		if err != nil {
			return "", fmt.Errorf("cannot read what the bed is to run: %w", err)
		}
	}

	return hex.EncodeToString(h.Sum(nil)), nil
}
